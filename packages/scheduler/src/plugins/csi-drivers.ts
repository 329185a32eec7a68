import type { CSINode, PersistentVolume } from '@skiff/api'

/** The plugins of old, which were within Kubernetes, and the CSI drivers that took their place. */
const drivers: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
}
const migrated = 'storage.alpha.kubernetes.io/migrated-plugins'

/** The CSI driver that stands for a plugin of old on a node; undefined while the node has not migrated it. */
export const driverFor = (plugin: string, csiNode: CSINode | undefined): string | undefined =>
  csiNode?.metadata.annotations?.[migrated]?.split(',').includes(plugin) && Object.hasOwn(drivers, plugin) ? drivers[plugin] : undefined

export const isPluginOfOld = (provisioner: string): boolean => Object.hasOwn(drivers, provisioner)

/** What names a volume of a plugin of old, in a PersistentVolume or in a pod. */
export type LegacySources = Pick<
  PersistentVolume['spec'],
  'awsElasticBlockStore' | 'gcePersistentDisk' | 'azureDisk' | 'cinder' | 'vsphereVolume' | 'portworxVolume'
>

/** The plugin of old and the name that it knows the volume by. */
const legacySource = (spec: LegacySources): readonly [plugin: string, volume: string] | undefined => {
  if (spec.awsElasticBlockStore) return ['kubernetes.io/aws-ebs', spec.awsElasticBlockStore.volumeID]
  if (spec.gcePersistentDisk) return ['kubernetes.io/gce-pd', spec.gcePersistentDisk.pdName]
  if (spec.azureDisk) return ['kubernetes.io/azure-disk', spec.azureDisk.diskURI]
  if (spec.cinder) return ['kubernetes.io/cinder', spec.cinder.volumeID]
  if (spec.vsphereVolume) return ['kubernetes.io/vsphere-volume', spec.vsphereVolume.volumePath]
  if (spec.portworxVolume) return ['kubernetes.io/portworx-volume', spec.portworxVolume.volumeID]
  return undefined
}

export const isOfOld = (spec: LegacySources): boolean => legacySource(spec) !== undefined

/** A volume as its CSI driver knows it on this node. */
export const csiSource = (volume: PersistentVolume, csiNode: CSINode | undefined): { driver: string; handle: string } | undefined => {
  const { csi } = volume.spec
  if (csi) return { driver: csi.driver, handle: csi.volumeHandle }
  return legacyCsiSource(volume.spec, csiNode)
}

/** A volume of a plugin of old as the driver that took its place knows it, once the node has migrated. */
export const legacyCsiSource = (spec: LegacySources, csiNode: CSINode | undefined): { driver: string; handle: string } | undefined => {
  const legacy = legacySource(spec)
  const driver = legacy && driverFor(legacy[0], csiNode)
  return legacy && driver !== undefined ? { driver, handle: legacy[1] } : undefined
}
