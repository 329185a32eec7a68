import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod, Volume } from '@skiff/api'
import { type Env, quoted } from '@skiff/machinery'
import type { PodEvents } from '../agent/pod-events.ts'
import type { MountedVolume, Volumes } from '../agent/seams.ts'
import { mountsUnder } from '../containerd/mounts.ts'
import { runCommand, tryCommand } from '../containerd/run-command.ts'
import { memoryRoot, podDirectory } from '../files/places.ts'
import { specContainers } from '../pods/plan-kill.ts'
import { isPayload, type MountTools, mountVolume } from './mount-volume.ts'

export interface VolumesOptions extends MountTools {
  readonly env: Env
  readonly events: PodEvents
}

export interface DiskVolumes extends Volumes {
  /** Something that pods may refer to has changed: their contents are written again, and what failed is tried at once. */
  refresh(podUid: string): void
  stop(): void
}

// Upstream's delays between tries.
const firstRetryMs = 500
const longestRetryMs = 122_000
/** How often contents are written again although nothing told of a change: tokens grow old, and are asked for anew in time. */
const rewriteMs = 60_000

interface Held {
  pod: Pod
  /** Resolved when it makes sense to try a failed volume again at once. */
  hurry: PromiseWithResolvers<void>
  readonly mounted: Set<string>
  cancel: () => void
  /** By volume: two writers of one would take each other's files away. */
  readonly writing: Map<string, Promise<unknown>>
}

/** Volumes on this machine's disk and memory. */
export const createVolumes = (options: VolumesOptions): DiskVolumes => {
  const { env, root, events } = options
  const pods = new Map<string, Held>()
  let memory: Promise<void> | undefined

  const hold = (pod: Pod): Held => {
    const held = pods.get(pod.metadata.uid) ?? {
      pod,
      hurry: Promise.withResolvers(),
      mounted: new Set<string>(),
      cancel: () => {},
      writing: new Map(),
    }
    held.pod = pod
    pods.set(pod.metadata.uid, held)
    return held
  }
  const mountOne = async (held: Held, volume: Volume, signal: AbortSignal): Promise<MountedVolume> => {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(delayMs * 2, longestRetryMs)) {
      signal.throwIfAborted()
      const { hurry } = held
      try {
        const mounted = await inTurn(held, volume, () => mountVolume(held.pod, volume, options))
        held.mounted.add(volume.name)
        return mounted
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        events.pod(held.pod, 'Warning', 'FailedMount', `MountVolume.SetUp failed for volume ${quoted(volume.name)} : ${text}`)
      }
      const stop = new AbortController()
      await Promise.race([env.sleep(delayMs, AbortSignal.any([stop.signal, signal])), hurry.promise])
      stop.abort()
    }
  }
  /** Writes what may have changed. */
  const rewrite = (held: Held): void => {
    for (const volume of used(held.pod)) {
      if (!isPayload(volume) || !held.mounted.has(volume.name)) continue
      const write = async () => {
        if (pods.get(held.pod.metadata.uid) === held) await mountVolume(held.pod, volume, options)
      }
      inTurn(held, volume, write).catch((error) =>
        env.log.debug('a volume keeps its old contents', { pod: held.pod.metadata.name, volume: volume.name, error: String(error) }),
      )
    }
  }
  const tick = (held: Held): void => {
    held.cancel()
    held.cancel = env.after(rewriteMs, () => {
      rewrite(held)
      tick(held)
    })
  }

  return {
    mount: async (pod, signal) => {
      const held = hold(pod)
      const volumes = used(pod)
      if (volumes.some(isPayload)) {
        memory ??= mountMemory(memoryRoot(root))
        await memory
        tick(held)
      }
      const mounted = await Promise.all(volumes.map(async (volume) => [volume.name, await mountOne(held, volume, signal)] as const))
      return new Map(mounted)
    },
    update: (pod) => {
      const held = pods.get(pod.metadata.uid)
      if (!held) return
      held.pod = pod
      rewrite(held)
    },
    refresh: (uid) => {
      const held = pods.get(uid)
      if (!held) return
      held.hurry.resolve()
      held.hurry = Promise.withResolvers()
      rewrite(held)
    },
    release: async (uid) => {
      const held = pods.get(uid)
      pods.delete(uid)
      held?.cancel()
      await Promise.allSettled(held?.writing.values() ?? [])
      // What its containers left behind beside the volumes is read as long as the object lives.
      await removeDirectory(join(podDirectory(root, uid), 'volume-subpaths'))
      await removeDirectory(join(podDirectory(root, uid), 'volumes'))
      await removeDirectory(podDirectory(memoryRoot(root), uid))
    },
    stop: () => {
      for (const held of pods.values()) held.cancel()
      pods.clear()
    },
  }
}

const inTurn = <T>(held: Held, { name }: Volume, act: () => Promise<T>): Promise<T> => {
  const turn = (held.writing.get(name) ?? Promise.resolve()).then(act, act)
  held.writing.set(name, turn)
  return turn
}

/** Only volumes that a container mounts are put in place. */
const used = (pod: Pod): Volume[] => {
  const names = new Set(specContainers(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name)))
  return (pod.spec.volumes ?? []).filter(({ name }) => names.has(name))
}

const mountMemory = async (path: string): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (!(await mountsUnder([path])).includes(path)) await runCommand('mount', ['-t', 'tmpfs', '-o', 'mode=0700', 'tmpfs', path])
}

/** Takes down what is mounted below and then removes the directory; with a mount left it stays, since what is mounted is not its own. */
const removeDirectory = async (directory: string): Promise<void> => {
  const mounts = await mountsUnder([directory])
  if (mounts.length > 0) await tryCommand('umount', [...mounts])
  const left = await mountsUnder([directory])
  if (left.length > 0) throw new Error(`${left[0]} cannot be unmounted`)
  await rm(directory, { recursive: true, force: true })
}
