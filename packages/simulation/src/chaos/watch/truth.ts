import {
  type CronJob,
  type CSINode,
  cronJob,
  csiNode,
  type DaemonSet,
  type Deployment,
  daemonSet,
  deployment,
  type Job,
  job,
  type Namespace,
  type Node,
  namespace,
  node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  type ReplicaSet,
  type Resource,
  replicaSet,
  type StatefulSet,
  type StorageClass,
  statefulSet,
  storageClass,
} from '@skiff/api'
import type { View, ViewChange, Views } from '@skiff/client'
import type { Env, KubeObject } from '@skiff/machinery'

/** What the cluster held at one moment, by namespace/name. */
export interface Moment {
  readonly pods: ReadonlyMap<string, Pod>
  readonly nodes: ReadonlyMap<string, Node>
  readonly namespaces: ReadonlyMap<string, Namespace>
  readonly claims: ReadonlyMap<string, PersistentVolumeClaim>
  readonly volumes: ReadonlyMap<string, PersistentVolume>
  readonly classes: ReadonlyMap<string, StorageClass>
  readonly csiNodes: ReadonlyMap<string, CSINode>
  readonly replicaSets: ReadonlyMap<string, ReplicaSet>
  readonly deployments: ReadonlyMap<string, Deployment>
  readonly statefulSets: ReadonlyMap<string, StatefulSet>
  readonly daemonSets: ReadonlyMap<string, DaemonSet>
  readonly jobs: ReadonlyMap<string, Job>
  readonly cronJobs: ReadonlyMap<string, CronJob>
  readonly budgets: ReadonlyMap<string, PodDisruptionBudget>
}
type Part = keyof Moment
type ObjectOf<P extends Part> = Moment[P] extends ReadonlyMap<string, infer T> ? T & KubeObject : never

const followed: { readonly [P in Part]: Resource<ObjectOf<P>> } = {
  pods: pod,
  nodes: node,
  namespaces: namespace,
  claims: persistentVolumeClaim,
  volumes: persistentVolume,
  classes: storageClass,
  csiNodes: csiNode,
  replicaSets: replicaSet,
  deployments: deployment,
  statefulSets: statefulSet,
  daemonSets: daemonSet,
  jobs: job,
  cronJobs: cronJob,
  budgets: podDisruptionBudget,
}
const parts = Object.keys(followed) as Part[]

/** What the API server said, change by change, over a way that nothing disturbs. */
export interface Truth {
  readonly now: Moment
  /** Called once `now` has the change, and with it all others that were told of together. */
  on<P extends Part>(part: P, see: (change: ViewChange<ObjectOf<P>>) => void): void
  /**
   * Whether `isRight` held at any moment since then. What decided in the cluster may have known any of them: no part of it hears at once
   * of all that happens. A moment is only good until the next one.
   */
  ever(sinceMs: number, isRight: (moment: Moment) => boolean): boolean
  readonly synced: Promise<unknown>
}

// Longer than anything looks back.
const keptMs = 1_200_000

interface Entry {
  readonly ms: number
  readonly part: Part
  readonly key: string
  readonly before: KubeObject | undefined
}

/** `fail` is told of what goes wrong in those who see. */
export const createTruth = (views: Views, env: Env, fail: (why: string) => void): Truth => {
  const maps = Object.fromEntries(parts.map((part) => [part, new Map<string, KubeObject>()])) as Record<Part, Map<string, KubeObject>>
  const seers = Object.fromEntries(parts.map((part) => [part, []])) as unknown as Record<Part, ((change: ViewChange) => void)[]>
  let journal: Entry[] = []
  const set = (map: Map<string, KubeObject>, key: string, object: KubeObject | undefined): void => {
    if (object) map.set(key, object)
    else map.delete(key)
  }
  const note = (part: Part, { key, before, after }: ViewChange): void => {
    const ms = env.monotonicMs()
    journal.push({ ms, part, key, before })
    if (journal.length % 4_096 === 0) journal = journal.filter((entry) => ms - entry.ms < keptMs)
    set(maps[part], key, after)
  }
  let told: { readonly part: Part; readonly change: ViewChange }[] = []
  const tell = (): void => {
    const batch = told
    told = []
    for (const { part, change } of batch) note(part, change)
    for (const { part, change } of batch)
      for (const see of seers[part])
        try {
          see(change)
        } catch (error) {
          fail(`a check threw: ${(error as Error).stack}`)
        }
  }
  const opened = parts.map((part) => {
    const view = views.view(followed[part] as unknown as Resource) as View
    view.subscribe((change) => {
      // A batch is known as a whole before anybody judges: a list tells in no order what came about in one.
      if (told.push({ part, change }) === 1) queueMicrotask(tell)
    })
    return view
  })
  return {
    now: maps as unknown as Moment,
    on: (part, see) => seers[part].push(see as never),
    ever: (sinceMs, isRight) => {
      const past = Object.fromEntries(parts.map((part) => [part, new Map(maps[part])])) as typeof maps
      if (isRight(past as unknown as Moment)) return true
      for (let at = journal.length - 1; at >= 0; at -= 1) {
        const { ms, part, key, before } = journal[at] as Entry
        if (ms < sinceMs) return false
        set(past[part], key, before)
        if (isRight(past as unknown as Moment)) return true
      }
      return false
    },
    synced: Promise.all(opened.map((view) => view.synced)),
  }
}
