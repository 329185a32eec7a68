import { milliValue, quoted } from '@skiff/machinery'
import { isOn } from '../../features/scope.ts'
import type { PersistentVolumeClaimSpec, Volume, VolumeProjection } from '../../generated/types.ts'

/** Kinds of volumes that came to nothing, in the order in which upstream looks for them. */
const gone = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', ''],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['ephemeral', ''],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
] as const

const gitRepoText = (): string => `deprecated in v1.11${isOn('GitRepoVolumeDriver') ? '' : ', and disabled by default in v1.33+'}`

/** What a pod's author is told of its volumes. `path` is that of the list. */
export const warnOfVolumes = (warnings: string[], volumes: readonly Volume[], path: string): void => {
  volumes.forEach((volume, index) => {
    for (const [kind, text] of gone) {
      if (volume[kind] === undefined) continue
      if (kind === 'gitRepo') {
        warnings.push(`${path}[${index}].gitRepo: ${gitRepoText()}`)
        continue
      }
      // Upstream names this one otherwise than its own field.
      const field = kind === 'storageos' ? 'storageOS' : kind
      if (kind !== 'ephemeral') warnings.push(`${path}[${index}].${field}: ${text}`)
      else warnOfClaim(warnings, volume.ephemeral?.volumeClaimTemplate?.spec, `${path}[${index}].ephemeral.volumeClaimTemplate.spec`)
    }
  })
  for (const volume of volumes) warnOfOverlaps(warnings, volume)
}

export const isFractional = (quantity: string | undefined): quantity is string =>
  quantity !== undefined && milliValue(quantity) % 1000 !== 0

export const warnOfClaim = (warnings: string[], spec: PersistentVolumeClaimSpec | undefined, path: string): void => {
  for (const list of ['requests', 'limits'] as const) {
    const storage = spec?.resources?.[list]?.storage
    if (isFractional(storage))
      warnings.push(`${path}.resources.${list}[storage]: fractional byte value ${quoted(storage)} is invalid, must be an integer`)
  }
}

const pathsOf = (items: readonly { readonly path: string }[]): string[] => items.map(({ path }) => path)

/** Files of one volume that would be written over each other, or over each other's directories. */
const warnOfOverlaps = (warnings: string[], { name, configMap, secret, downwardAPI, projected }: Volume): void => {
  const title = `volume ${quoted(name)}`
  if (configMap?.items)
    overlaps(warnings, pathsOf(configMap.items), `${title} (ConfigMap ${quoted(configMap.name ?? '')}): overlapping paths`)
  if (secret?.items) overlaps(warnings, pathsOf(secret.items), `${title} (Secret ${quoted(secret.secretName ?? '')}): overlapping paths`)
  if (downwardAPI?.items) overlaps(warnings, pathsOf(downwardAPI.items), `${title} (DownwardAPI): overlapping paths`)
  const all = new Set<string>()
  for (const source of projected?.sources ?? []) {
    if (Object.keys(source).length === 0) {
      warnings.push(`${title} (Projected) has no sources provided`)
      continue
    }
    const [paths, of] = sourceOf(source)
    if (paths.length === 0) continue
    const text = `${title} (Projected ${of}): overlapping paths`
    overlaps(warnings, paths, text)
    const unique = [...new Set(paths)]
    overlaps(warnings, [...unique, ...all].sort(), text)
    for (const path of unique) all.add(path)
  }
}

const sourceOf = ({ configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle }: VolumeProjection): [string[], string] => {
  if (configMap?.items) return [pathsOf(configMap.items), `ConfigMap ${quoted(configMap.name ?? '')}`]
  if (secret?.items) return [pathsOf(secret.items), `Secret ${quoted(secret.name ?? '')}`]
  if (downwardAPI?.items) return [pathsOf(downwardAPI.items), 'DownwardAPI']
  if (serviceAccountToken) return [[serviceAccountToken.path], 'ServiceAccountToken']
  if (clusterTrustBundle)
    return [[clusterTrustBundle.path], `ClusterTrustBundle ${quoted(clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? '')}`]
  return [[], '']
}

const overlaps = (warnings: string[], paths: readonly string[], text: string): void => {
  const met = new Set<string>()
  for (const each of paths) {
    const path = each.replace(/\/+$/, '')
    for (const other of met) {
      if (other === '' || path === '') break
      if (other !== path && !`${other}/`.startsWith(path) && !`${path}/`.startsWith(other)) continue
      warnings.push(`${text}: ${quoted(path)} with ${quoted(other)}`)
      break
    }
    met.add(path)
  }
}
