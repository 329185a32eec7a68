import type { Container, VolumeMount } from '@skiff/api'
import type { MountedVolume, MountedVolumes } from '../agent/seams.ts'
import type { Mount } from '../runtimes/runtime.ts'
import { expand } from './expansion.ts'

/** Brings a part of a volume into reach of the runtime, without following links out of the volume. Answers its path. */
export type PrepareSubPath = (request: {
  readonly volume: MountedVolume
  readonly volumeName: string
  readonly containerName: string
  readonly index: number
  readonly subPath: string
}) => Promise<string>

const propagations = { None: 'private', HostToContainer: 'hostToContainer', Bidirectional: 'bidirectional' } as const

/** A container's volume mounts in its order. Throws an Error with upstream's text. */
export const volumeMounts = async (
  container: Container,
  volumes: MountedVolumes,
  env: ReadonlyMap<string, string>,
  prepareSubPath: PrepareSubPath,
): Promise<Mount[]> => {
  const mounts: Mount[] = []
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const volume = volumes.get(mount.name)
    if (!volume)
      throw new Error(`cannot find volume ${JSON.stringify(mount.name)} to mount into container ${JSON.stringify(container.name)}`)
    const subPath = subPathOf(mount, env)
    const request = { volume, volumeName: mount.name, containerName: container.name, index, subPath }
    const readonly = mount.readOnly === true || volume.readOnly
    mounts.push({
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath === '' ? volume.hostPath : await prepareSubPath(request),
      ...(readonly ? { readonly } : {}),
      ...(readonly && mount.recursiveReadOnly === 'Enabled' ? { recursiveReadOnly: true } : {}),
      ...(mount.mountPropagation ? { propagation: propagations[mount.mountPropagation] } : {}),
    })
  }
  return mounts
}

const subPathOf = (mount: VolumeMount, env: ReadonlyMap<string, string>): string => {
  if (mount.subPathExpr) {
    const missing: string[] = []
    const subPath = expand(mount.subPathExpr, (name) => {
      const value = env.get(name)
      if (!value) missing.push(name)
      return value ?? ''
    })
    if (missing.length > 0) throw new Error(`missing value for ${JSON.stringify(missing.sort().join(', ')).slice(1, -1)}`)
    return checked(subPath)
  }
  return checked(mount.subPath ?? '')
}

const checked = (subPath: string): string => {
  if (subPath.startsWith('/')) throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`)
  if (subPath.split('/').includes('..')) throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`)
  return subPath
}
