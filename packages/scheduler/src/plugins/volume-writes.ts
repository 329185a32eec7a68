import {
  node as nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolume,
  persistentVolumeClaim,
  pod as pods,
  type Resource,
} from '@skiff/api'
import type { Client, Views } from '@skiff/client'
import { type Env, keyOf } from '@skiff/machinery'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { type Choice, isBound, isReachable, selectedNode } from './volume-claims.ts'

/** Binds what was chosen and resolves when every claim is bound; throws when that fails, or takes too long. */
export type BindVolumes = (choices: readonly Choice[], nodeName: string, pod: PodInfo) => Promise<void>

/** Absent where a user reserved the volume: set free, it goes back to whoever it was reserved for. */
const boundByController = 'pv.kubernetes.io/bound-by-controller'

export interface BindVolumesParts {
  readonly client: Client
  readonly views: Views
  readonly env: Env
  readonly stopping: AbortSignal
}

/** A choice as it was written. */
interface Written {
  readonly choice: Choice
  readonly object: PersistentVolume | PersistentVolumeClaim
}
/** The view has not come to what was written yet. */
const isOlder = (held: Written['object'], written: Written['object']): boolean =>
  Number(held.metadata.resourceVersion) < Number(written.metadata.resourceVersion)

export const createBindVolumes = ({ client, views, env, stopping }: BindVolumesParts, timeoutMs: number): BindVolumes => {
  const write = async (choice: Choice, nodeName: string): Promise<Written> => {
    const { claim, volume } = choice
    const { name, namespace = '', uid, resourceVersion } = claim.metadata
    if (!volume) {
      const patch = { metadata: { annotations: { [selectedNode]: nodeName } } }
      return { choice, object: await client.patch(persistentVolumeClaim, { name, namespace }, 'merge', patch) }
    }
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion }
    // With the volume's revision: two schedulers must not both win.
    const metadata = {
      resourceVersion: volume.metadata.resourceVersion,
      ...(volume.spec.claimRef ? {} : { annotations: { [boundByController]: 'yes' } }),
    }
    return {
      choice,
      object: await client.patch(persistentVolume, { name: volume.metadata.name }, 'merge', { metadata, spec: { claimRef } }),
    }
  }
  const refuseUnreachable = (volume: PersistentVolume, nodeName: string): void => {
    const node = views.view(nodes).get(nodeName)
    if (!node) throw new Error(`failed to get node "${nodeName}": node "${nodeName}" not found`)
    if (isReachable(volume, node)) return
    throw new Error(`pv "${volume.metadata.name}" node affinity doesn't match node "${nodeName}": no matching NodeSelectorTerms`)
  }
  /** Whether the claim is bound. Throws, as upstream, once the binding cannot come about any more: a provisioner gave up, for one. */
  const isDone = ({ choice: { claim, volume }, object }: Written, nodeName: string): boolean => {
    const { name } = claim.metadata
    const held = views.view(persistentVolumeClaim).get(keyOf(claim))
    if (!held) throw new Error(`failed to check provisioning pvc: could not find ${keyOf(claim)}`)
    if (volume) {
      const given = views.view(persistentVolume).get(volume.metadata.name)
      if (!given) throw new Error(`failed to check binding: could not find ${volume.metadata.name}`)
      if (isOlder(given, object)) return false
      refuseUnreachable(given, nodeName)
      if (!given.spec.claimRef?.uid) throw new Error(`ClaimRef got reset for pv "${volume.metadata.name}"`)
      return isBound(held)
    }
    if (isOlder(held, object)) return false
    if (!held.metadata.annotations) throw new Error(`selectedNode annotation reset for PVC "${name}"`)
    if (held.metadata.annotations[selectedNode] !== nodeName) throw new Error(`provisioning failed for PVC "${name}"`)
    if (!isBound(held)) return false
    const made = views.view(persistentVolume).get(held.spec.volumeName ?? '')
    if (made) refuseUnreachable(made, nodeName)
    return made !== undefined
  }
  const changes = createChanges(views, stopping)
  const allBound = (written: readonly Written[], nodeName: string, pod: PodInfo): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => {
      try {
        if (written.every((each) => isDone(each, nodeName))) resolve()
      } catch (error) {
        reject(new Error(`binding volumes: ${(error as Error).message}`))
      }
    }
    const lookForPod = () => {
      if (views.view(pods).get(pod.key)?.metadata.uid !== pod.uid)
        reject(new Error(`binding volumes: pod does not exist any more: pod "${pod.pod.metadata.name}" not found`))
    }
    const cancel = env.after(timeoutMs, () => reject(new Error('binding volumes: context deadline exceeded')))
    const stop = () => reject(new Error('the scheduler stops'))
    stopping.addEventListener('abort', stop, { once: true })
    const unfollows = [
      changes.follow('persistentvolumes', '', look),
      ...written.map(({ choice }) => changes.follow('persistentvolumeclaims', keyOf(choice.claim), look)),
      changes.follow('pods', pod.key, lookForPod),
    ]
    look()
    return promise.finally(() => {
      cancel()
      stopping.removeEventListener('abort', stop)
      for (const unfollow of unfollows) unfollow()
    })
  }
  return async (choices, nodeName, pod) => {
    const written: Written[] = []
    for (const choice of choices) written.push(await write(choice, nodeName))
    await allBound(written, nodeName, pod)
  }
}

interface Changes {
  /** `told` is called when the object of this key changes; for '' when any does. Answers what ends it. */
  follow(plural: 'pods' | 'persistentvolumes' | 'persistentvolumeclaims', key: string, told: () => void): () => void
}

/** One subscription a view for all bindings that wait, made with the first: each tells all that is there already. */
const createChanges = (views: Views, stopping: AbortSignal): Changes => {
  const followers = new Map<string, Map<string, Set<() => void>>>()
  const subscribed = (resource: Resource): Map<string, Set<() => void>> => {
    const byKey = new Map<string, Set<() => void>>()
    followers.set(resource.plural, byKey)
    const unsubscribe = views.view(resource).subscribe(({ key }) => {
      for (const told of byKey.get(key) ?? []) told()
      for (const told of byKey.get('') ?? []) told()
    })
    stopping.addEventListener('abort', unsubscribe, { once: true })
    return byKey
  }
  const resources = { pods, persistentvolumes: persistentVolume, persistentvolumeclaims: persistentVolumeClaim }
  return {
    follow: (plural, key, told) => {
      const byKey = followers.get(plural) ?? subscribed(resources[plural] as unknown as Resource)
      const held = byKey.get(key) ?? new Set()
      byKey.set(key, held.add(told))
      return () => {
        held.delete(told)
        if (held.size === 0) byKey.delete(key)
      }
    },
  }
}
