import { forbiddenField, invalidValue, notFoundField, notSupported, required } from '@skiff/machinery'
import { checkSupported, type Faults } from '../../checks/faults.ts'
import { checkDescendingPath } from '../../checks/paths.ts'
import type { VolumeDevice, VolumeMount } from '../../generated/types.ts'
import type { AnyContainer, PodContext } from './context.ts'

export const checkMounts = (faults: Faults, container: AnyContainer, context: PodContext, path: string): void => {
  const devices = container.volumeDevices ?? []
  const mounted = new Set<string>()
  container.volumeMounts?.forEach((mount, index) => {
    const at = `${path}[${index}]`
    const { name = '', mountPath = '' } = mount
    if (name === '') faults.push(required(`${at}.name`))
    if (!context.volumes.has(name)) faults.push(notFoundField(`${at}.name`, name))
    if (mountPath === '') faults.push(required(`${at}.mountPath`))
    if (mounted.has(mountPath)) faults.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'))
    mounted.add(mountPath)
    if (devices.some((device) => device.name === name))
      faults.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeDevices'))
    if (devices.some((device) => device.devicePath === mountPath))
      faults.push(invalidValue(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    checkSubPaths(faults, mount, context, path, at)
    checkPropagation(faults, mount, container, `${path}.mountPropagation`)
    checkRecursiveReadOnly(faults, mount, `${path}.recursiveReadOnly`)
  })
}

/** Upstream names the list, not the item, in some of these. */
const checkSubPaths = (faults: Faults, mount: VolumeMount, context: PodContext, listPath: string, path: string): void => {
  const { subPath = '', subPathExpr = '' } = mount
  if (subPath === '' && subPathExpr === '') return
  if (context.volumes.get(mount.name ?? '')?.image) {
    if (subPath !== '') faults.push(invalidValue(`${path}.subPath`, subPath, 'not allowed in image volume sources'))
    if (subPathExpr !== '') faults.push(invalidValue(`${path}.subPathExpr`, subPathExpr, 'not allowed in image volume sources'))
  }
  if (subPath !== '') checkDescendingPath(faults, subPath, `${listPath}.subPath`)
  if (subPathExpr === '') return
  if (subPath !== '') faults.push(invalidValue(`${path}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
  checkDescendingPath(faults, subPathExpr, `${listPath}.subPathExpr`)
}

const checkPropagation = (faults: Faults, mount: VolumeMount, container: AnyContainer, path: string): void => {
  const mode = mount.mountPropagation
  if (mode === undefined) return
  checkSupported(faults, mode, ['Bidirectional', 'HostToContainer', 'None'], path)
  if (mode === 'Bidirectional' && container.securityContext?.privileged !== true)
    faults.push(forbiddenField(path, 'Bidirectional mount propagation is available only to privileged containers'))
}

const checkRecursiveReadOnly = (faults: Faults, mount: VolumeMount, path: string): void => {
  const mode = mount.recursiveReadOnly
  if (mode === undefined || mode === 'Disabled') return
  if (mode !== 'Enabled' && mode !== 'IfPossible') {
    faults.push(notSupported(path, mode, ['Disabled', 'Enabled', 'IfPossible']))
    return
  }
  if (mount.readOnly !== true) faults.push(forbiddenField(path, 'may only be specified when readOnly is true'))
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== 'None')
    faults.push(forbiddenField(path, 'may only be specified when mountPropagation is None or not specified'))
}

export const checkDevices = (faults: Faults, container: AnyContainer, context: PodContext, path: string): void => {
  const mounts = container.volumeMounts ?? []
  const paths = new Set<string>()
  const names = new Set<string>()
  container.volumeDevices?.forEach((device, index) => {
    const at = `${path}[${index}]`
    const { name = '', devicePath = '' } = device
    checkDevice(faults, device, context, names.has(name), paths.has(devicePath), at)
    if (!devicePath.split('/').includes('..')) paths.add(devicePath)
    if (mounts.some((mount) => mount.name === name)) faults.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeMounts'))
    if (mounts.some((mount) => mount.mountPath === devicePath))
      faults.push(invalidValue(`${at}.devicePath`, devicePath, 'must not already exist as a path in volumeMounts'))
    if (name !== '') names.add(name)
  })
}

const checkDevice = (
  faults: Faults,
  { name = '', devicePath = '' }: VolumeDevice,
  context: PodContext,
  nameTaken: boolean,
  pathTaken: boolean,
  path: string,
): void => {
  const volume = context.volumes.get(name)
  if (name === '') faults.push(required(`${path}.name`))
  if (nameTaken) faults.push(invalidValue(`${path}.name`, name, 'must be unique'))
  if (volume && !volume.persistentVolumeClaim && !volume.ephemeral)
    faults.push(invalidValue(`${path}.name`, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'))
  if (!volume) faults.push(notFoundField(`${path}.name`, name))
  if (devicePath === '') faults.push(required(`${path}.devicePath`))
  if (pathTaken) faults.push(invalidValue(`${path}.devicePath`, devicePath, 'must be unique'))
  if (devicePath.split('/').includes('..')) faults.push(invalidValue(`${path}.devicePath`, devicePath, "can not contain backsteps ('..')"))
}
