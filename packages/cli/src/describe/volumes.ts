import { goText, type Json, type JsonObject, parseQuantity, quantitySign, sortedKeys } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { claimLines } from './claims.ts'
import { line } from './lines.ts'

// Volume sources of pods and of persistent volumes. Every line of a source stands at level two.

/** `far`: the references of a persistent volume, which name a namespace too. */
type Source = (source: JsonObject, far: boolean) => string[]

const row = (title: string, value: string): string => line(2, `${title}:\t${value}`)
const bool = (value: Json | undefined): string => String(value === true)

/** A source whose lines are its type and fields: `title=path`, `title=path?fallback`, `title=path!` for a boolean. */
const plain =
  (type: string, ...fields: readonly string[]): Source =>
  (source, far) => [row('Type', type), ...fields.map((field) => fieldLine(source, field, far))]

const fieldLine = (source: JsonObject, field: string, far: boolean): string => {
  const [, title = '', path = '', mark, fallback = ''] = /^([^=]+)=([\w.]+)([!?@#&]?)(.*)$/.exec(field) ?? []
  const value = at(source, path)
  if (mark === '!') return row(title, bool(value))
  if (mark === '@') return row(title, `[${textsAt(source, path).join(' ')}]`)
  // A number that Go prints as 0 where it is absent.
  if (mark === '#') return row(title, String(value ?? 0))
  if (mark === '&') return row(title, referenceText(value as JsonObject | undefined, far))
  return row(title, value === undefined || value === null ? fallback : String(value))
}

// A pointer to a reference, as Go prints its struct.
const referenceText = (reference: JsonObject | undefined, far: boolean): string => {
  if (reference === undefined) return 'nil'
  const [name, namespace] = [textAt(reference, 'name'), textAt(reference, 'namespace')]
  return far ? `&SecretReference{Name:${name},Namespace:${namespace},}` : `&LocalObjectReference{Name:${name},}`
}

const iscsi: Source = (source, far) => [
  row('Type', "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)"),
  ...['TargetPortal=targetPortal', 'IQN=iqn', 'Lun=lun#'].map((field) => fieldLine(source, field, far)),
  line(2, `ISCSIInterface\t${textAt(source, 'iscsiInterface')}`),
  ...['FSType=fsType', 'ReadOnly=readOnly!', 'Portals=portals@', 'DiscoveryCHAPAuth=chapAuthDiscovery!'].map((field) =>
    fieldLine(source, field, far),
  ),
  ...['SessionCHAPAuth=chapAuthSession!', 'SecretRef=secretRef&', 'InitiatorName=initiatorName?<none>'].map((field) =>
    fieldLine(source, field, far),
  ),
]

const emptyDir: Source = (source) => {
  const limit = textAt(source, 'sizeLimit')
  return [
    row('Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"),
    row('Medium', textAt(source, 'medium')),
    row('SizeLimit', limit !== '' && quantitySign(parseQuantity(limit)) > 0 ? limit : '<unset>'),
  ]
}

const projectedPart = (part: JsonObject): string[] => {
  if (part.secret) return [row('SecretName', textAt(part, 'secret.name')), row('Optional', bool(at(part, 'secret.optional')))]
  if (part.downwardAPI) return [row('DownwardAPI', 'true')]
  if (part.configMap) return [row('ConfigMapName', textAt(part, 'configMap.name')), row('Optional', bool(at(part, 'configMap.optional')))]
  if (part.serviceAccountToken) return [row('TokenExpirationSeconds', textAt(part, 'serviceAccountToken.expirationSeconds'))]
  return []
}

const projected: Source = (source) => [
  row('Type', 'Projected (a volume that contains injected data from multiple sources)'),
  ...listAt(source, 'sources').flatMap(projectedPart),
]

const downwardAPI: Source = (source) => [
  row('Type', 'DownwardAPI (a volume populated by information about the pod)'),
  line(2, 'Items:'),
  ...listAt(source, 'items').flatMap((item) => [
    ...(item.fieldRef ? [line(3, `${textAt(item, 'fieldRef.fieldPath')} -> ${textAt(item, 'path')}`)] : []),
    ...(item.resourceFieldRef ? [line(3, `${textAt(item, 'resourceFieldRef.resource')} -> ${textAt(item, 'path')}`)] : []),
  ]),
]

const ephemeral: Source = (source) => [
  row('Type', 'EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)'),
  ...(source.volumeClaimTemplate ? claimLines(mapAt(source, 'volumeClaimTemplate'), undefined, line(2, '')) : []),
]

const attributesWidth = 140
const attributeLines = (attributes: JsonObject): string[] => {
  const keys = sortedKeys(attributes)
  if (keys.length === 0) return [line(2, 'VolumeAttributes:\t<none>')]
  return keys.map((key, i) => {
    const text = `${key}=${attributes[key]}`
    const shown = text.length > attributesWidth ? `${text.slice(0, attributesWidth)}...` : text
    return `${line(2, i === 0 ? 'VolumeAttributes:\t' : '')}${i === 0 ? '' : `${line(2, '')}\t`}${line(2, shown)}`
  })
}
const csi =
  (...fields: readonly string[]): Source =>
  (source, far) => [
    ...plain('CSI (a Container Storage Interface (CSI) volume source)', ...fields)(source, far),
    ...attributeLines(mapAt(source, 'volumeAttributes')),
  ]

const fc: Source = (source, far) => [
  row('Type', 'FC (a Fibre Channel disk)'),
  row('TargetWWNs', textsAt(source, 'targetWWNs').join(', ')),
  ...['LUN=lun?<none>', 'FSType=fsType', 'ReadOnly=readOnly!'].map((field) => fieldLine(source, field, far)),
]

const flex: Source = (source, far) => [
  ...plain(
    'FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)',
    'Driver=driver',
    'FSType=fsType',
    'SecretRef=secretRef&',
    'ReadOnly=readOnly!',
  )(source, far),
  row('Options', goText(mapAt(source, 'options'))),
]

const rbd = plain(
  "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
  ...['CephMonitors=monitors@', 'RBDImage=image', 'FSType=fsType', 'RBDPool=pool', 'RadosUser=user', 'Keyring=keyring'],
  ...['SecretRef=secretRef&', 'ReadOnly=readOnly!'],
)
const scaleIoType = 'ScaleIO (a persistent volume backed by a block device in ScaleIO)'
const scaleIoFields = [
  ...['Gateway=gateway', 'System=system', 'Protection Domain=protectionDomain', 'Storage Pool=storagePool'],
  ...['Storage Mode=storageMode', 'VolumeName=volumeName'],
]
const storageos = plain(
  'StorageOS (a StorageOS Persistent Disk resource)',
  ...['VolumeName=volumeName', 'VolumeNamespace=volumeNamespace', 'FSType=fsType', 'ReadOnly=readOnly!'],
)
const glusterType = "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)"
const azureFileType = 'AzureFile (an Azure File Service mount on the host and bind mount to the pod)'

/** What pods and persistent volumes have in common, in the order in which kubectl looks for them. */
const sources: Readonly<Record<string, Source>> = {
  hostPath: plain('HostPath (bare host directory volume)', 'Path=path', 'HostPathType=type?<none>'),
  emptyDir,
  gcePersistentDisk: plain(
    'GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)',
    ...['PDName=pdName', 'FSType=fsType', 'Partition=partition#', 'ReadOnly=readOnly!'],
  ),
  awsElasticBlockStore: plain(
    'AWSElasticBlockStore (a Persistent Disk resource in AWS)',
    ...['VolumeID=volumeID', 'FSType=fsType', 'Partition=partition#', 'ReadOnly=readOnly!'],
  ),
  gitRepo: plain('GitRepo (a volume that is pulled from git when the pod is created)', 'Repository=repository', 'Revision=revision'),
  secret: plain('Secret (a volume populated by a Secret)', 'SecretName=secretName', 'Optional=optional!'),
  configMap: plain('ConfigMap (a volume populated by a ConfigMap)', 'Name=name', 'Optional=optional!'),
  nfs: plain('NFS (an NFS mount that lasts the lifetime of a pod)', 'Server=server', 'Path=path', 'ReadOnly=readOnly!'),
  iscsi,
  glusterfs: plain(glusterType, 'EndpointsName=endpoints', 'Path=path', 'ReadOnly=readOnly!'),
  persistentVolumeClaim: plain(
    'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    ...['ClaimName=claimName', 'ReadOnly=readOnly!'],
  ),
  ephemeral,
  rbd,
  quobyte: plain(
    "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
    'Registry=registry',
    'Volume=volume',
    'ReadOnly=readOnly!',
  ),
  downwardAPI,
  azureDisk: plain(
    'AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)',
    ...['DiskName=diskName', 'DiskURI=diskURI', 'Kind=kind', 'FSType=fsType', 'CachingMode=cachingMode', 'ReadOnly=readOnly!'],
  ),
  vsphereVolume: plain(
    'vSphereVolume (a Persistent Disk resource in vSphere)',
    ...['VolumePath=volumePath', 'FSType=fsType', 'StoragePolicyName=storagePolicyName'],
  ),
  cinder: plain(
    'Cinder (a Persistent Disk resource in OpenStack)',
    ...['VolumeID=volumeID', 'FSType=fsType', 'ReadOnly=readOnly!', 'SecretRef=secretRef&'],
  ),
  photonPersistentDisk: plain('PhotonPersistentDisk (a Persistent Disk resource in photon platform)', 'PdID=pdID', 'FSType=fsType'),
  portworxVolume: plain('PortworxVolume (a Portworx Volume resource)', 'VolumeID=volumeID'),
  cephfs: plain(
    "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
    ...['Monitors=monitors@', 'Path=path', 'User=user', 'SecretFile=secretFile', 'SecretRef=secretRef&', 'ReadOnly=readOnly!'],
  ),
  scaleIO: plain(scaleIoType, ...scaleIoFields, 'FSType=fsType', 'ReadOnly=readOnly!'),
  storageos,
  fc,
  azureFile: plain(azureFileType, 'SecretName=secretName', 'ShareName=shareName', 'ReadOnly=readOnly!'),
  flexVolume: flex,
  flocker: plain('Flocker (a Flocker volume mounted by the Flocker agent)', 'DatasetName=datasetName', 'DatasetUUID=datasetUUID'),
  projected,
  csi: csi('Driver=driver', 'FSType=fsType', 'ReadOnly=readOnly!'),
  image: plain('Image (a container image or OCI artifact)', 'Reference=reference', 'PullPolicy=pullPolicy'),
}

/** Where persistent volumes tell more, or are volumes of their own. */
const persistentSources: Readonly<Record<string, Source>> = {
  ...sources,
  glusterfs: plain(
    glusterType,
    'EndpointsName=endpoints',
    'EndpointsNamespace=endpointsNamespace?<unset>',
    'Path=path',
    'ReadOnly=readOnly!',
  ),
  azureFile: plain(azureFileType, 'SecretName=secretName', 'SecretNamespace=secretNamespace', 'ShareName=shareName', 'ReadOnly=readOnly!'),
  scaleIO: plain(
    scaleIoType,
    ...scaleIoFields,
    ...['SecretName=secretRef.name', 'SecretNamespace=secretRef.namespace', 'FSType=fsType', 'ReadOnly=readOnly!'],
  ),
  local: plain('LocalVolume (a persistent volume backed by local storage on a node)', 'Path=path'),
  csi: csi('Driver=driver', 'FSType=fsType', 'VolumeHandle=volumeHandle', 'ReadOnly=readOnly!'),
}

const sourceLines = (holder: JsonObject, known: Readonly<Record<string, Source>>, far: boolean): string[] => {
  for (const [key, describe] of Object.entries(known)) if (holder[key]) return describe(mapAt(holder, [key]), far)
  return [line(1, '<unknown>')]
}

/** The source of a persistent volume's spec. */
export const persistentSourceLines = (spec: JsonObject): string[] => sourceLines(spec, persistentSources, true)

/** The volumes of a pod, or of a template where `space` is its indent. */
export const volumeLines = (volumes: readonly JsonObject[], space: string): string[] => {
  if (volumes.length === 0) return [`${space}Volumes:\t<none>`]
  const indent = space === '' ? '' : ' '
  return [
    `${space}Volumes:`,
    ...volumes.flatMap((volume) => [line(1, `${indent}${textAt(volume, 'name')}:`), ...sourceLines(volume, sources, false)]),
  ]
}
