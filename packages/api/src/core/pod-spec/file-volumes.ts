import { forbiddenField, invalidValue, required } from '@skiff/machinery'
import type { Faults } from '../../checks/faults.ts'
import { checkLocalPath } from '../../checks/paths.ts'
import type {
  ConfigMapVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../generated/types.ts'
import { checkFieldRef, checkResourceFieldRef } from './field-refs.ts'
import { checkTrustBundle } from './trust-bundle.ts'

const checkMode = (faults: Faults, mode: number | undefined, path: string): void => {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    faults.push(invalidValue(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive'))
}

const checkItems = (faults: Faults, items: readonly KeyToPath[] | undefined, path: string): void => {
  items?.forEach((each, index) => {
    checkKeyToPath(faults, each, `${path}.items[${index}]`)
  })
}

const checkKeyToPath = (faults: Faults, { key, path: target = '', mode }: KeyToPath, path: string): void => {
  if (!key) faults.push(required(`${path}.key`))
  if (target === '') faults.push(required(`${path}.path`))
  checkLocalPath(faults, target, `${path}.path`)
  checkMode(faults, mode, `${path}.mode`)
}

export const checkSecretVolume = (faults: Faults, source: SecretVolumeSource, path: string): void => {
  if (!source.secretName) faults.push(required(`${path}.secretName`))
  checkMode(faults, source.defaultMode, `${path}.defaultMode`)
  checkItems(faults, source.items, path)
}

export const checkConfigMapVolume = (faults: Faults, source: ConfigMapVolumeSource, path: string): void => {
  if (!source.name) faults.push(required(`${path}.name`))
  checkMode(faults, source.defaultMode, `${path}.defaultMode`)
  checkItems(faults, source.items, path)
}

export const checkDownwardVolume = (faults: Faults, source: DownwardAPIVolumeSource, path: string): void => {
  checkMode(faults, source.defaultMode, `${path}.defaultMode`)
  // Upstream names the volume, not the item.
  for (const file of source.items ?? []) checkDownwardFile(faults, file, path)
}

const checkDownwardFile = (faults: Faults, file: DownwardAPIVolumeFile, path: string): void => {
  const { path: target = '', fieldRef, resourceFieldRef } = file
  if (target === '') faults.push(required(`${path}.path`))
  checkLocalPath(faults, target, `${path}.path`)
  if (fieldRef) {
    checkFieldRef(faults, fieldRef, 'volume', `${path}.fieldRef`)
    if (resourceFieldRef) faults.push(invalidValue(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (resourceFieldRef) checkResourceFieldRef(faults, resourceFieldRef, 'volume', `${path}.resourceFieldRef`)
  else faults.push(required(path, 'one of fieldRef and resourceFieldRef is required'))
  checkMode(faults, file.mode, `${path}.mode`)
}

const shortestTokenSeconds = 600
const longestTokenSeconds = 2 ** 32

export const checkProjectedVolume = (faults: Faults, volume: ProjectedVolumeSource, path: string): void => {
  checkMode(faults, volume.defaultMode, `${path}.defaultMode`)
  const paths = new Set<string>()
  volume.sources?.forEach((source, index) => {
    const at = `${path}.sources[${index}]`
    checkKeyProjections(faults, source, paths, path, at)
    for (const file of source.downwardAPI?.items ?? []) {
      checkDownwardFile(faults, file, `${at}.downwardAPI`)
      claimPath(faults, file.path, file.path, paths, path)
    }
    if (source.serviceAccountToken) checkToken(faults, source.serviceAccountToken, path, `${at}.serviceAccountToken`)
    if (source.clusterTrustBundle) {
      checkTrustBundle(faults, source.clusterTrustBundle, `${at}.clusterTrustBundle`)
      claimPath(faults, source.clusterTrustBundle.path, source.clusterTrustBundle.path, paths, path)
    }
    if (Object.keys(source).length > 1) faults.push(forbiddenField(at, 'may not specify more than 1 volume type per source'))
  })
}

const checkKeyProjections = (faults: Faults, source: VolumeProjection, paths: Set<string>, path: string, at: string): void => {
  for (const field of ['secret', 'configMap'] as const) {
    const projection = source[field]
    if (projection === undefined) continue
    if (!projection.name) faults.push(required(`${at}.${field}.name`))
    projection.items?.forEach((each, index) => {
      checkKeyToPath(faults, each, `${at}.${field}.items[${index}]`)
      claimPath(faults, each.path, projection.name, paths, path)
    })
  }
}

const claimPath = (faults: Faults, target: string | undefined, shown: string | undefined, paths: Set<string>, path: string): void => {
  if (!target) return
  if (paths.has(target)) faults.push(invalidValue(path, shown ?? '', 'conflicting duplicate paths'))
  paths.add(target)
}

const checkToken = (faults: Faults, token: ServiceAccountTokenProjection, volumePath: string, path: string): void => {
  const seconds = token.expirationSeconds ?? 0
  if (seconds < shortestTokenSeconds)
    faults.push(invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds > longestTokenSeconds)
    faults.push(invalidValue(`${path}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  if (!token.path) faults.push(required(`${volumePath}.path`))
  else checkLocalPath(faults, token.path, `${volumePath}.path`)
}
