import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@skiff/api'
import { quantityValue } from '@skiff/machinery'
import type { MountedVolume } from '../agent/seams.ts'
import { mountsUnder } from '../containerd/mounts.ts'
import { runCommand } from '../containerd/run-command.ts'
import { memoryRoot, volumeDirectory } from '../files/places.ts'
import { writeAtomically } from './atomic-writer.ts'
import { hostPath } from './host-path.ts'
import { giveToGroup, type OwnershipOptions } from './ownership.ts'
import { type PayloadSources, payloadOf } from './payload.ts'

export interface MountTools {
  readonly root: string
  readonly nowMs: () => number
  readonly sources: (pod: Pod) => PayloadSources
  readonly claim: (namespace: string, name: string) => Promise<PersistentVolumeClaim>
  readonly persistentVolume: (name: string) => Promise<PersistentVolume>
}

/** Its contents are files that the agent writes, and writes again when what they come from changes. */
export const isPayload = ({ configMap, secret, downwardAPI, projected }: Volume): boolean =>
  [configMap, secret, downwardAPI, projected].some((source) => source !== undefined)

/** Puts one volume of a pod in place; doing it again changes nothing, or brings its contents up to date. */
export const mountVolume = async (pod: Pod, volume: Volume, tools: MountTools): Promise<MountedVolume> => {
  if (isPayload(volume)) return mountPayload(pod, volume, tools)
  if (volume.emptyDir) return mountEmptyDir(pod, volume, tools)
  if (volume.hostPath) return { hostPath: await hostPath(volume.hostPath), readOnly: false }
  const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined)
  if (claimName !== undefined) return mountClaim(pod, claimName, volume.persistentVolumeClaim?.readOnly === true, tools)
  throw new Error('no volume plugin matched')
}

const pluginOf = ({ configMap, secret, downwardAPI }: Volume): string =>
  configMap ? 'configmap' : secret ? 'secret' : downwardAPI ? 'downward-api' : 'projected'

const ownership = (pod: Pod, more: OwnershipOptions = {}): OwnershipOptions => ({
  ...more,
  onRootMismatch: pod.spec.securityContext?.fsGroupChangePolicy === 'OnRootMismatch',
})

const mountPayload = async (pod: Pod, volume: Volume, tools: MountTools): Promise<MountedVolume> => {
  const payload = await payloadOf(pod, volume, tools.sources(pod))
  const isSecret = volume.secret !== undefined || volume.projected !== undefined
  const root = isSecret ? memoryRoot(tools.root) : tools.root
  const directory = volumeDirectory(root, pod.metadata.uid, pluginOf(volume), volume.name)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const fsGroup = pod.spec.securityContext?.fsGroup
  const give = async (path: string) => {
    if (fsGroup !== undefined) await giveToGroup(path, fsGroup, { readOnly: true })
  }
  await writeAtomically(directory, payload, tools.nowMs(), give)
  await chmod(directory, fsGroup === undefined ? 0o777 : 0o2777)
  return { hostPath: directory, readOnly: true }
}

const mountEmptyDir = async (pod: Pod, volume: Volume, tools: MountTools): Promise<MountedVolume> => {
  const directory = volumeDirectory(tools.root, pod.metadata.uid, 'empty-dir', volume.name)
  await mkdir(directory, { recursive: true, mode: 0o777 })
  const { medium = '', sizeLimit } = volume.emptyDir ?? {}
  if (medium !== '' && medium !== 'Memory') throw new Error(`unknown storage medium ${JSON.stringify(medium)}`)
  if (medium === 'Memory' && !(await mountsUnder([directory])).includes(directory)) {
    const size = sizeLimit === undefined ? [] : [`size=${quantityValue(sizeLimit)}`]
    await runCommand('mount', ['-t', 'tmpfs', ...(size.length > 0 ? ['-o', size.join(',')] : []), 'tmpfs', directory])
  }
  await chmod(directory, 0o777)
  const fsGroup = pod.spec.securityContext?.fsGroup
  if (fsGroup !== undefined) await giveToGroup(directory, fsGroup, ownership(pod))
  return { hostPath: directory, readOnly: false }
}

const mountClaim = async (pod: Pod, name: string, readOnly: boolean, tools: MountTools): Promise<MountedVolume> => {
  const namespace = pod.metadata.namespace ?? ''
  const claim = await tools.claim(namespace, name)
  const volumeName = claim.spec.volumeName ?? ''
  if (claim.status?.phase !== 'Bound' || volumeName === '') throw new Error(`error processing PVC ${namespace}/${name}: PVC is not bound`)
  const { spec } = await tools.persistentVolume(volumeName)
  const path = spec.hostPath ? await hostPath(spec.hostPath) : spec.local?.path
  if (path === undefined) throw new Error('no volume plugin matched')
  const fsGroup = pod.spec.securityContext?.fsGroup
  // Upstream hands local volumes to the group, host paths never.
  if (fsGroup !== undefined && spec.local && !readOnly) await giveToGroup(path, fsGroup, ownership(pod))
  return { hostPath: join(path), readOnly }
}
