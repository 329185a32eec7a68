import type { ControllerRevision, DaemonSet, DaemonSetStatus, Node, Pod } from '@skiff/api'
import { daemonSet as daemonSets, node as nodes, pod as pods, controllerRevision as revisions } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { templateHash } from '../deployment/hash.ts'
import { historyOf, type RevisionNames, revisionIndex, withCurrentRevision } from '../history/revisions.ts'
import { claim } from '../ownership.ts'
import { createPod, removePod } from '../pod-changes.ts'
import { candidatePods, isAvailable, isFinished, isReady, orphanIndex, readySinceMs } from '../pods.ts'
import { type Controller, objectController, owned, watching } from '../runner/controller.ts'
import { event, fail, remove, requeue, type Step, type Steps, together, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { selectorOf, selects, selectsEverything } from '../selector.ts'
import { fitOf } from './fits.ts'
import { bySeniority, daemonPod, hashLabel, isCurrent, targetNode } from './pods.ts'
import { nextMove, surgeLimit } from './update.ts'

const burst = 250

/** Lets a failed pod of a node be replaced only after a back-off: 1 s, doubled up to 15 minutes. */
export interface Patience {
  /** 0: now, and counts as done; else how long to wait. */
  waitMs(key: string, nowMs: number): number
}
export const createPatience = (): Patience => {
  const held = new Map<string, { readonly backoffMs: number; readonly atMs: number }>()
  return {
    waitMs: (key, nowMs) => {
      const last = held.get(key)
      if (last && nowMs - last.atMs < last.backoffMs) return last.backoffMs - (nowMs - last.atMs)
      const isStale = !last || nowMs - last.atMs > 2 * 900_000
      held.set(key, { backoffMs: isStale ? 1_000 : Math.min(900_000, last.backoffMs * 2), atMs: nowMs })
      return 0
    },
  }
}

interface Layout {
  /** All that have a pod or should have one. */
  readonly byNode: ReadonlyMap<string, readonly Pod[]>
  /** Nodes that should run a daemon, with their pods. */
  readonly wanted: ReadonlyMap<string, readonly Pod[]>
  readonly missing: readonly string[]
  readonly surplus: readonly Pod[]
  readonly misscheduled: number
  readonly events: readonly Step[]
  /** When to look again at failed pods that wait for their back-off. */
  readonly waitMs: number | undefined
}

const layOut = (set: DaemonSet, mine: readonly Pod[], all: Iterable<Node>, hash: string, patience: Patience, nowMs: number): Layout => {
  const byNode = Map.groupBy(mine.filter(counts), (pod) => targetNode(pod) ?? '')
  // Adopted, and meant for no node.
  byNode.delete('')
  const wanted = new Map<string, readonly Pod[]>()
  const known = new Set<string>()
  const missing: string[] = []
  const surplus: Pod[] = []
  const events: Step[] = []
  const waits: number[] = []
  let misscheduled = 0
  for (const node of all) {
    const { name } = node.metadata
    known.add(name)
    const { shouldRun, mayStay } = fitOf(set, node)
    const here = byNode.get(name) ?? []
    if (shouldRun) wanted.set(name, here)
    else if (here.length > 0) misscheduled += 1
    if (shouldRun && here.length === 0) missing.push(name)
    else if (!mayStay) surplus.push(...here.filter(isAlive))
    else {
      const ended = retire(set, name, here, patience, nowMs)
      const running = here.filter((pod) => isAlive(pod) && !isFinished(pod)).sort(bySeniority)
      surplus.push(...ended.remove, ...duplicates(set, running, hash, nowMs))
      events.push(...ended.events)
      waits.push(...ended.waits)
      // While surging none has to go before the next one comes.
      if (shouldRun && running.length === 0 && surgeLimit(set, 1) > 0) missing.push(name)
    }
    byNode.set(name, here)
    if (!shouldRun && here.length === 0) byNode.delete(name)
  }
  // Pods that wait for a node that is gone would wait for ever. An adopted one may be meant for no node at all: it is left alone.
  const isStranded = (pod: Pod, node = targetNode(pod)) => !pod.spec.nodeName && isAlive(pod) && node !== undefined && !known.has(node)
  surplus.push(...mine.filter((pod) => isStranded(pod)))
  return { byNode, wanted, missing, surplus, misscheduled, events, waitMs: waits.length > 0 ? Math.min(...waits) : undefined }
}

/** One that ended and is being deleted waits for somebody's finalizer: it is no daemon any more. */
const counts = (pod: Pod): boolean => isAlive(pod) || !isFinished(pod)
const isAlive = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined

/** Daemons do not end: one that did is replaced, one that failed with patience. */
const retire = (set: DaemonSet, node: string, here: readonly Pod[], patience: Patience, nowMs: number) => {
  const remove: Pod[] = []
  const events: Step[] = []
  const waits: number[] = []
  for (const pod of here.filter(isAlive)) {
    const name = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`
    if (pod.status?.phase === 'Succeeded') {
      events.push(event(set, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`))
      remove.push(pod)
    }
    if (pod.status?.phase !== 'Failed') continue
    const waitMs = patience.waitMs(`${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${node}`, nowMs)
    if (waitMs > 0) waits.push(waitMs)
    else {
      events.push(event(set, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${name} on node ${node}, will try to kill it`))
      remove.push(pod)
    }
  }
  return { remove, events, waits }
}

/**
 * One pod a node; while surging, one of the old template and one of the new, of which the old one goes where it serves nobody or the
 * new one is available. `running`: the senior first.
 */
const duplicates = (set: DaemonSet, running: readonly Pod[], hash: string, nowMs: number): readonly Pod[] => {
  if (surgeLimit(set, 1) === 0) return running.slice(1)
  const [current, ...surplus] = running.filter((pod) => pod.metadata.labels?.[hashLabel] === hash)
  const [old, ...older] = running.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash)
  const isDone = current && old && (!isReady(old) || isAvailable(current, set.spec.minReadySeconds ?? 0, nowMs))
  return [...surplus, ...older, ...(isDone ? [old] : [])]
}

const revisionNames: RevisionNames = { label: hashLabel, hash: (template, _data, collisionCount) => templateHash(template, collisionCount) }

export const planDaemonSet = (set: DaemonSet, views: Views, patience: Patience, nowMs: number): Steps => {
  if (selectsEverything(set.spec.selector))
    return [event(set, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.')]
  if (set.metadata.deletionTimestamp !== undefined) return []
  const history = historyOf(daemonSets, set, views)
  const candidates = candidatePods(views, set.metadata.namespace ?? '', set.metadata.uid)
  const matches = selectorOf(set.spec.selector)
  const { mine, steps } = claim(daemonSets, set, pods, candidates, (pod) => matches(pod.metadata.labels))
  if (history.steps.length > 0 || steps.length > 0) return [...history.steps, ...steps]
  const collided = (collisionCount: number) =>
    updateStatus(daemonSets, { ...set, status: { ...(set.status ?? emptyStatus), collisionCount } })
  return withCurrentRevision(daemonSets, set, history.all, revisionNames, collided, (current) =>
    syncPods(set, mine, views, current, history.all, patience, nowMs),
  )
}

const syncPods = (
  set: DaemonSet,
  mine: readonly Pod[],
  views: Views,
  current: ControllerRevision,
  history: readonly ControllerRevision[],
  patience: Patience,
  nowMs: number,
): Steps => {
  const hash = current.metadata.labels?.[hashLabel] ?? ''
  const layout = layOut(set, mine, views.view(nodes).list(), hash, patience, nowMs)
  const isSettled = layout.missing.length === 0 && layout.surplus.length === 0
  const rolls = isSettled && (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate'
  const placing = { byNode: layout.byNode, shouldRun: (node: string) => layout.wanted.has(node), desired: layout.wanted.size }
  const move = rolls ? nextMove(set, placing, hash, nowMs) : { remove: [], surge: [] }
  const creates = [...layout.missing, ...move.surge].slice(0, burst).map((node) => createPod(set, daemonPod(set, node, hash)))
  const removes = [...layout.surplus, ...move.remove].slice(0, burst).map((pod) => removePod(set, pod))
  const stale = staleRevisions(set, history, current, mine)
  const finish: Steps = [
    ...stale.map((one) => remove(revisions, one)),
    ...statusIfChanged(set, layout, hash, nowMs),
    ...wake(set, layout, nowMs),
  ]
  const failed = (error: unknown): Steps => (error === undefined ? finish : [...finish, fail(error)])
  const firstError = (outcomes: readonly { readonly error?: unknown }[]) => outcomes.find((one) => one.error !== undefined)?.error
  if (creates.length + removes.length === 0) return [...layout.events, ...finish]
  return [
    ...layout.events,
    together(creates, {
      slowStart: true,
      after: (made) => [together(removes, { after: (gone) => failed(firstError([...made, ...gone])) })],
    }),
  ]
}

/** Of those before the current one, what is beyond the limit: revisions in use count, and stay. */
const staleRevisions = (
  set: DaemonSet,
  history: readonly ControllerRevision[],
  current: ControllerRevision,
  mine: readonly Pod[],
): readonly ControllerRevision[] => {
  const live = new Set(mine.map((pod) => pod.metadata.labels?.[hashLabel]))
  const old = history.filter((one) => one.metadata.uid !== current.metadata.uid)
  const unused = old.filter((one) => !live.has(one.metadata.labels?.[hashLabel]))
  return unused.slice(0, Math.max(0, old.length - (set.spec.revisionHistoryLimit ?? 10)))
}

const emptyStatus: DaemonSetStatus = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 }

const statusIfChanged = (set: DaemonSet, layout: Layout, hash: string, nowMs: number): Steps => {
  const senior = [...layout.wanted.values()].flatMap((here) => [...here].sort(bySeniority).slice(0, 1))
  const available = senior.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length
  const optional = {
    updatedNumberScheduled: senior.filter((pod) => isCurrent(set, pod, hash)).length,
    numberAvailable: available,
    numberUnavailable: layout.wanted.size - available,
    observedGeneration: set.metadata.generation ?? 0,
  }
  const status: DaemonSetStatus = {
    currentNumberScheduled: senior.length,
    numberMisscheduled: layout.misscheduled,
    desiredNumberScheduled: layout.wanted.size,
    numberReady: senior.filter(isReady).length,
    ...Object.fromEntries(Object.entries(optional).filter(([, count]) => count !== 0)),
    ...(set.status?.collisionCount ? { collisionCount: set.status.collisionCount } : {}),
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  }
  return same(set.status, status) ? [] : [updateStatus(daemonSets, { ...set, status })]
}

const wake = (set: DaemonSet, layout: Layout, nowMs: number): Steps => {
  const minReadyMs = (set.spec.minReadySeconds ?? 0) * 1_000
  const waits = [...layout.wanted.values()].flat().map((pod) => (readySinceMs(pod) ?? 0) + minReadyMs - nowMs)
  const due = [...waits.filter((waitMs) => waitMs > 0), ...(layout.waitMs === undefined ? [] : [layout.waitMs])]
  return due.length > 0 ? [requeue(Math.min(...due))] : []
}

const matching = (views: Views, namespace: string, labels: Readonly<Record<string, string>> | undefined): string[] =>
  [...views.view(daemonSets).list(namespace)].filter((set) => selects(set.spec.selector, labels)).map(keyOf)

export const daemonSetController = (): Controller => {
  const patience = createPatience()
  return objectController({
    name: 'daemonset-controller',
    account: 'daemon-set-controller',
    resource: daemonSets,
    watches: [
      owned(pods, daemonSets, {
        indexes: orphanIndex,
        orphans: ({ after }, views) => matching(views, after?.metadata.namespace ?? '', after?.metadata.labels),
      }),
      owned(revisions, daemonSets, {
        indexes: revisionIndex,
        orphans: ({ after }, views) => matching(views, after?.metadata.namespace ?? '', after?.metadata.labels),
      }),
      watching<Node>({
        resource: nodes,
        // Heartbeats move no daemon: only what it is placed by.
        keys: ({ before, after }, views) =>
          before && after && same([before.metadata.labels, before.spec.taints], [after.metadata.labels, after.spec.taints])
            ? []
            : [...views.view(daemonSets).list()].map(keyOf),
      }),
    ],
    plan: (set, views, nowMs) => planDaemonSet(set, views, patience, nowMs),
  })
}
