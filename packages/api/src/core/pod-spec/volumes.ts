import {
  duplicate,
  forbiddenField,
  invalidValue,
  isDns1123Label,
  nameIsDnsSubdomain,
  quantitySign,
  quoted,
  required,
} from '@skiff/machinery'
import { addInvalid, type Faults } from '../../checks/faults.ts'
import type { Volume } from '../../generated/types.ts'
import { checkClaimTemplate } from '../claim-spec.ts'
import { sharedSources } from '../volume-sources.ts'
import { checkConfigMapVolume, checkDownwardVolume, checkProjectedVolume, checkSecretVolume } from './file-volumes.ts'
import { checkPullPolicy } from './pull-policy.ts'

interface VolumeOwner {
  readonly isPod: boolean
  readonly podName: string
}
type CheckSource<K extends keyof Volume> = (
  faults: Faults,
  source: NonNullable<Volume[K]>,
  path: string,
  volume: Volume,
  owner: VolumeOwner,
) => void
type Source = Exclude<keyof Volume, 'name'>

/** The order is upstream's: a second source is refused by its place here. */
const sources: readonly {
  readonly field: Source
  readonly path: string
  readonly secondPath?: string
  readonly check: CheckSource<never>
}[] = [
  entry('emptyDir', (faults, { sizeLimit }, path) => {
    if (sizeLimit !== undefined && quantitySign(sizeLimit) < 0)
      faults.push(forbiddenField(`${path}.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  }),
  entry('hostPath', sharedSources.hostPath),
  entry('gitRepo', sharedSources.gitRepo),
  entry('gcePersistentDisk', sharedSources.gcePersistentDisk, 'persistentDisk'),
  entry('awsElasticBlockStore', sharedSources.awsElasticBlockStore),
  entry('secret', checkSecretVolume),
  entry('nfs', sharedSources.nfs),
  entry('iscsi', (faults, source, path, volume) => {
    sharedSources.iscsi(faults, source, path)
    if (source.initiatorName !== undefined && `${volume.name ?? ''}:${source.targetPortal ?? ''}`.length > 64)
      faults.push(invalidValue(path.replace(/iscsi$/, 'name'), volume.name ?? '', sharedSources.longPortalText))
  }),
  entry('glusterfs', sharedSources.glusterfs),
  entry('flocker', sharedSources.flocker),
  entry('persistentVolumeClaim', (faults, { claimName }, path) => {
    if (!claimName) faults.push(required(`${path}.claimName`))
  }),
  entry('rbd', sharedSources.rbd),
  entry('cinder', sharedSources.cinder),
  entry('cephfs', sharedSources.cephfs, 'cephfs', 'cephFS'),
  entry('quobyte', sharedSources.quobyte),
  entry('downwardAPI', checkDownwardVolume, 'downwardAPI', 'downwarAPI'),
  entry('fc', sharedSources.fc),
  entry('flexVolume', sharedSources.flexVolume),
  entry('configMap', checkConfigMapVolume),
  entry('azureFile', sharedSources.azureFile),
  entry('vsphereVolume', sharedSources.vsphereVolume),
  entry('photonPersistentDisk', sharedSources.photonPersistentDisk),
  entry('portworxVolume', sharedSources.portworxVolume),
  entry('azureDisk', sharedSources.azureDisk),
  entry('storageos', sharedSources.storageos),
  entry('projected', checkProjectedVolume),
  entry('scaleIO', sharedSources.scaleIO),
  entry('csi', (faults, { driver = '', nodePublishSecretRef: secret }, path) => {
    sharedSources.driverName(faults, driver, `${path}.driver`)
    if (secret === undefined) return
    if (!secret.name) faults.push(required(`${path}.nodePublishSecretRef.name`))
    else addInvalid(faults, nameIsDnsSubdomain(secret.name, false), secret.name, `${path}.name`)
  }),
  entry('ephemeral', (faults, { volumeClaimTemplate }, path, volume, { podName }) => {
    if (volumeClaimTemplate === undefined) faults.push(required(`${path}.volumeClaimTemplate`))
    else checkClaimTemplate(faults, volumeClaimTemplate, `${path}.volumeClaimTemplate`)
    if (podName === '' || !volume.name) return
    const claim = `${podName}-${volume.name}`
    for (const message of nameIsDnsSubdomain(claim, false))
      faults.push(invalidValue(path.replace(/ephemeral$/, 'name'), volume.name, `PVC name ${quoted(claim)}: ${message}`))
  }),
  entry('image', (faults, { reference, pullPolicy }, path, _volume, { isPod }) => {
    if (isPod && !reference) faults.push(required(`${path}.reference`))
    checkPullPolicy(faults, pullPolicy, `${path}.pullPolicy`)
  }),
]

function entry<K extends Source>(field: K, check: CheckSource<K>, path: string = field, secondPath: string = field) {
  return { field, path, secondPath, check: check as CheckSource<never> }
}

/** Checks a pod's volumes and gives back those without fault, by name. */
export const checkVolumes = (faults: Faults, volumes: readonly Volume[], owner: VolumeOwner, path: string): Map<string, Volume> => {
  const good = new Map<string, Volume>()
  const claimsToCome = new Set(
    owner.podName === '' ? [] : volumes.filter((each) => each.ephemeral).map((each) => `${owner.podName}-${each.name}`),
  )
  volumes.forEach((volume, index) => {
    const at = `${path}[${index}]`
    const before = faults.length
    checkSource(faults, volume, owner, at)
    const name = volume.name ?? ''
    if (name === '') faults.push(required(`${at}.name`))
    else addInvalid(faults, isDns1123Label(name), name, `${at}.name`)
    if (good.has(name)) faults.push(duplicate(`${at}.name`, name))
    if (faults.length === before) good.set(name, volume)
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && claimsToCome.has(claim))
      faults.push(
        invalidValue(`${at}.persistentVolumeClaim.claimName`, claim, 'must not reference a PVC that gets created for an ephemeral volume'),
      )
  })
  return good
}

const checkSource = (faults: Faults, volume: Volume, owner: VolumeOwner, path: string): void => {
  let found = false
  for (const { field, path: named, secondPath, check } of sources) {
    const source = volume[field]
    if (source === undefined) continue
    if (found) faults.push(forbiddenField(`${path}.${secondPath}`, 'may not specify more than 1 volume type'))
    else check(faults, source as never, `${path}.${named}`, volume, owner)
    found = true
  }
  if (!found) faults.push(required(path, 'must specify a volume type'))
}
