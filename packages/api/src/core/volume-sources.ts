import { invalidValue, isDns1123Label, isDns1123Subdomain, notSupported, rangeText, required, tooLong } from '@skiff/machinery'
import { addInvalid, checkSupported, type Faults, invalidShown, keysOf } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkNoBacksteps } from '../checks/paths.ts'
import type * as t from '../generated/types.ts'
import { iscsiSource, longPortalText } from './iscsi-source.ts'

/** Sources that volumes of pods and persistent volumes have in common. */
type Check<T> = (faults: Faults, source: T, path: string) => void

/** One Required for each of the named fields that is empty. */
export const needs = <T extends object>(...fields: (keyof T & string)[]): Check<T> => {
  return (faults, source, path) => {
    for (const field of fields) {
      const value = source[field]
      if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) faults.push(required(`${path}.${field}`))
    }
  }
}

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

const hostPath: Check<t.HostPathVolumeSource> = (faults, source, path) => {
  if (!source.path) {
    faults.push(required(`${path}.path`))
    return
  }
  checkNoBacksteps(faults, source.path, `${path}.path`)
  checkSupported(faults, source.type, hostPathTypes, `${path}.type`)
}

const gitRepo: Check<t.GitRepoVolumeSource> = (faults, source, path) => {
  if (!source.repository) faults.push(required(`${path}.repository`))
  const directory = source.directory ?? ''
  if (directory.startsWith('/')) faults.push(invalidValue(`${path}.directory`, directory, 'must be a relative path'))
  checkNoBacksteps(faults, directory, `${path}.directory`)
}

const checkPartition = (faults: Faults, partition: number | undefined, path: string): void => {
  // Upstream's text begins at 1 although 0 passes.
  if (partition !== undefined && (partition < 0 || partition > 255))
    faults.push(invalidValue(`${path}.partition`, partition, rangeText(1, 255)))
}
const gcePersistentDisk: Check<t.GCEPersistentDiskVolumeSource> = (faults, source, path) => {
  if (!source.pdName) faults.push(required(`${path}.pdName`))
  checkPartition(faults, source.partition, path)
}
const awsElasticBlockStore: Check<t.AWSElasticBlockStoreVolumeSource> = (faults, source, path) => {
  if (!source.volumeID) faults.push(required(`${path}.volumeID`))
  checkPartition(faults, source.partition, path)
}

const nfs: Check<t.NFSVolumeSource> = (faults, source, path) => {
  needs<t.NFSVolumeSource>('server', 'path')(faults, source, path)
  if (!source.path?.startsWith('/')) faults.push(invalidValue(`${path}.path`, source.path ?? '', 'must be an absolute path'))
}

const flocker: Check<t.FlockerVolumeSource> = (faults, { datasetName = '', datasetUUID = '' }, path) => {
  if (datasetName === '' && datasetUUID === '') faults.push(required(path, 'one of datasetName and datasetUUID is required'))
  if (datasetName !== '' && datasetUUID !== '')
    faults.push(invalidValue(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'))
  if (datasetName.includes('/')) faults.push(invalidValue(`${path}.datasetName`, datasetName, "must not contain '/'"))
}

const registryText = 'must be a host:port pair or multiple pairs separated by commas'
const quobyte: Check<t.QuobyteVolumeSource> = (faults, { registry = '', tenant = '', volume }, path) => {
  if (registry === '') faults.push(required(`${path}.registry`, registryText))
  else if (tenant.length >= 65) faults.push(required(`${path}.tenant`, 'must be a UUID and may not exceed a length of 64 characters'))
  else
    for (const pair of registry.split(','))
      if (!/^([^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(pair)) faults.push(invalidValue(`${path}.registry`, registry, registryText))
  if (!volume) faults.push(required(`${path}.volume`))
}

const fc: Check<t.FCVolumeSource> = (faults, { targetWWNs = [], wwids = [], lun }, path) => {
  if (targetWWNs.length === 0 && wwids.length === 0)
    faults.push(required(`${path}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both'))
  if (targetWWNs.length === 0) return
  if (wwids.length > 0)
    faults.push(invalidShown(`${path}.targetWWNs`, goStrings(targetWWNs), 'targetWWNs and wwids can not be specified simultaneously'))
  if (lun === undefined) faults.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'))
  else if (lun < 0 || lun > 255) faults.push(invalidValue(`${path}.lun`, lun, rangeText(0, 255)))
}

const flexVolume: Check<Pick<t.FlexVolumeSource, 'driver' | 'options'>> = (faults, { driver, options }, path) => {
  if (!driver) faults.push(required(`${path}.driver`))
  for (const key of keysOf(options)) {
    const slash = key.indexOf('/')
    const domain = `.${(slash < 0 ? key : key.slice(0, slash)).toLowerCase()}`
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io'))
      faults.push(invalidValue(`${path}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved'))
  }
}

const managedDisk = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
const blobDisk = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
const azureDisk: Check<t.AzureDiskVolumeSource> = (faults, source, path) => {
  needs<t.AzureDiskVolumeSource>('diskName', 'diskURI')(faults, source, path)
  const { kind, diskURI = '' } = source
  checkSupported(faults, source.cachingMode, ['None', 'ReadOnly', 'ReadWrite'], `${path}.cachingMode`)
  checkSupported(faults, kind, ['Dedicated', 'Managed', 'Shared'], `${path}.kind`)
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/')) faults.push(notSupported(`${path}.diskURI`, diskURI, [managedDisk]))
  if (kind !== undefined && kind !== 'Managed' && !diskURI.startsWith('https://'))
    faults.push(notSupported(`${path}.diskURI`, diskURI, [blobDisk]))
}

const storageos: Check<t.StorageOSVolumeSource> = (faults, { volumeName, volumeNamespace, secretRef }, path) => {
  if (!volumeName) faults.push(required(`${path}.volumeName`))
  else addInvalid(faults, isDns1123Label(volumeName), volumeName, `${path}.volumeName`)
  if (volumeNamespace) addInvalid(faults, isDns1123Label(volumeNamespace), volumeNamespace, `${path}.volumeNamespace`)
  if (secretRef && !secretRef.name) faults.push(required(`${path}.secretRef.name`))
}

const cinder: Check<t.CinderVolumeSource> = (faults, { volumeID, secretRef }, path) => {
  if (!volumeID) faults.push(required(`${path}.volumeID`))
  if (secretRef && !secretRef.name) faults.push(required(`${path}.secretRef.name`))
}

/** The name of a CSI driver. */
const driverName: Check<string> = (faults, name, path) => {
  if (name === '') faults.push(required(path))
  if (name.length > 63) faults.push(tooLong(path, '', 63))
  addInvalid(faults, isDns1123Subdomain(name.toLowerCase()), name, path)
}

export const sharedSources = {
  hostPath,
  gitRepo,
  gcePersistentDisk,
  awsElasticBlockStore,
  nfs,
  iscsi: iscsiSource,
  longPortalText,
  glusterfs: needs<Pick<t.GlusterfsVolumeSource, 'endpoints' | 'path'>>('endpoints', 'path'),
  flocker,
  rbd: needs<Pick<t.RBDVolumeSource, 'monitors' | 'image'>>('monitors', 'image'),
  cinder,
  cephfs: needs<Pick<t.CephFSVolumeSource, 'monitors'>>('monitors'),
  quobyte,
  fc,
  flexVolume,
  azureFile: needs<Pick<t.AzureFileVolumeSource, 'secretName' | 'shareName'>>('secretName', 'shareName'),
  vsphereVolume: needs<t.VsphereVirtualDiskVolumeSource>('volumePath'),
  photonPersistentDisk: needs<t.PhotonPersistentDiskVolumeSource>('pdID'),
  portworxVolume: needs<t.PortworxVolumeSource>('volumeID'),
  azureDisk,
  storageos,
  scaleIO: needs<Pick<t.ScaleIOVolumeSource, 'gateway' | 'system' | 'volumeName'>>('gateway', 'system', 'volumeName'),
  driverName,
}
