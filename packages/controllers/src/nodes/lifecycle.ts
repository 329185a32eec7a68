import type { Lease, Node, Pod } from '@skiff/api'
import { lease as leases, node as nodes, pod as pods } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { isRefusal, rfc3339 } from '@skiff/machinery'
import { isReady } from '../pods.ts'
import { type Controller, objectController, reading, watching } from '../runner/controller.ts'
import { ask, event, patch, requeue, type Step, type Steps, targetOf, together, updateStatus } from '../runner/step.ts'
import { type NodeHealth, type Patience, readiness, silenced, silentAtMs, upstreamHealth } from './health.ts'
import { createHeartbeats } from './heartbeats.ts'
import { evictingKey, taintsOf, wantedTaints, withoutEvicting } from './taints.ts'
import { createZones, type Disruption, type Zones } from './zones.ts'

export const nodeNameIndex = { nodeName: (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : []) }

/** Node events name the node by its name alone, as upstream's do. */
const aboutNode = (node: { readonly name: string; readonly uid: string }) => ({ kind: 'Node', apiVersion: 'v1', ...node })
const nodeEvent = (node: { readonly name: string; readonly uid: string }, reason: string, message: string): Step =>
  event(aboutNode({ name: node.name, uid: node.uid }), 'Normal', reason, message)

/** What the controller keeps of nodes besides what their objects say. */
export interface Kept {
  readonly zones: Zones
  /** When the node last gave a sign of life. */
  readonly lastMs: number
  /** Nodes that fell silent and whose pods have not all been marked since. */
  readonly unmarked: Set<string>
}

/**
 * Judges a node by its signs of life: past the patience its conditions become unknown, taints follow the conditions, and its pods
 * are marked as not ready. Driving pods away is paced by zone, and stops when no node at all can be heard.
 */
export const planNode = (node: Node, views: Views, kept: Kept, nowMs: number, patience: Patience): Steps => {
  const silentMs = silentAtMs(node, kept.lastMs, patience)
  const judged = nowMs >= silentMs ? silenced(node, nowMs) : node
  if (judged !== node) return readiness(node) === 'True' ? fallSilent(judged, kept) : [updateStatus(nodes, judged)]
  const wait = nowMs < silentMs ? [requeue(silentMs - nowMs)] : []
  return [...taintSteps(node, kept.zones.disruption(), nowMs), ...podSteps(node, views, kept, nowMs), ...wait]
}

const remember = (what: string, change: () => unknown): Step => ask(what, async () => change(), {})

const fallSilent = (judged: Node, { unmarked }: Kept): Steps => {
  const { name } = judged.metadata
  const told = nodeEvent(judged.metadata, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  return [
    remember(`note that pods of ${name} are to be marked`, () => unmarked.add(name)),
    updateStatus(nodes, judged, { done: () => [told] }),
  ]
}

const taintSteps = (node: Node, disruption: Disruption, nowMs: number): Steps => {
  const held = taintsOf(node)
  const mayMs = evictingKey(node) === undefined ? undefined : disruption.mayTaintAtMs(node)
  const wanted = wantedTaints(node, mayMs !== undefined && mayMs <= nowMs, nowMs)
  const taints = disruption.isTotal ? withoutEvicting(wanted) : wanted
  const later = mayMs !== undefined && mayMs > nowMs ? [requeue(mayMs - nowMs)] : []
  if (taints === held) return later
  // The version goes along: taints are one list, and another writer's must not be lost.
  const { resourceVersion } = node.metadata
  return [patch(nodes, targetOf(node), 'merge', { metadata: { resourceVersion }, spec: { taints } }), ...later]
}

/**
 * Upstream's rule: pods are marked once, when the controller itself finds their node silent. Of a node that says that it is not ready
 * they are left to its agent, and what an agent says of them later is not fought.
 */
const podSteps = (node: Node, views: Views, { unmarked }: Kept, nowMs: number): Steps => {
  const { name } = node.metadata
  if (!unmarked.has(name)) return []
  const done = remember(`note that pods of ${name} are marked`, () => unmarked.delete(name))
  if (readiness(node) !== 'Unknown') return [done]
  const ready = views.view(pods).indexed('nodeName', name).filter(isReady)
  return [...(ready.length === 0 ? [] : [together(ready.map((pod) => notReady(pod, nowMs)))]), done]
}

const notReady = (pod: Pod, nowMs: number): Step => {
  const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: rfc3339(nowMs) }]
  return patch(
    pods,
    { ...targetOf(pod), subresource: 'status' },
    'strategic',
    { metadata: { uid: pod.metadata.uid }, status: { conditions } },
    {
      done: () => [event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')],
      // Gone, or another one of its name.
      failed: (error) => (isRefusal(error, 404) || isRefusal(error, 409) ? [] : undefined),
    },
  )
}

/** Nodes whose judgement hangs on how many others are silent: with a readiness that changes, all that are not ready. */
const concerned = ({ before, after, key }: ViewChange<Node>, zones: Zones): string[] => {
  if (before && after && readiness(before) === readiness(after)) return [key]
  return [key, ...[...zones.silent].filter((name) => name !== key)]
}

export const nodeLifecycleController = (health: NodeHealth = upstreamHealth): Controller => {
  const heartbeats = createHeartbeats()
  const zones = createZones(health)
  const unannounced = new Set<string>()
  const unmarked = new Set<string>()
  const departed = new Map<string, string>()
  const announce = ({ metadata }: Node): Steps => {
    const { name } = metadata
    if (!unannounced.delete(name)) return []
    return [nodeEvent(metadata, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)]
  }
  const observed = watching<Node>({
    resource: nodes,
    keys: (change, _views, nowMs) => {
      const { key, before, after } = change
      zones.set(key, after)
      if (after && heartbeats.node(after, nowMs)) {
        unannounced.add(after.metadata.name)
        // Who led before may have been cut off between judging the node and marking its pods.
        if (readiness(after) === 'Unknown') unmarked.add(after.metadata.name)
      }
      if (!after && before) {
        heartbeats.forget(before.metadata.name)
        unmarked.delete(before.metadata.name)
        departed.set(before.metadata.name, before.metadata.uid)
      }
      return concerned(change, zones)
    },
  })
  const base = objectController<Node>({
    name: 'node-lifecycle-controller',
    account: 'node-controller',
    component: 'node-controller',
    resource: nodes,
    // One at a time: how many were given up lately is read from the nodes themselves.
    concurrency: 1,
    plan: (node, views, nowMs) => {
      zones.keep(views.view(nodes))
      const kept = { zones, unmarked, lastMs: heartbeats.lastMs(node.metadata.name) ?? nowMs }
      return [...announce(node), ...planNode(node, views, kept, nowMs, health)]
    },
    gone: (name) => {
      const uid = departed.get(name)
      if (uid === undefined) return []
      departed.delete(name)
      return [nodeEvent({ name, uid }, 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)]
    },
  })
  const watches = [
    observed,
    // A renewed lease is only noted: it changes nothing but the time at which the node would be silent.
    watching<Lease>({
      resource: leases,
      keys: ({ after }, _views, nowMs) => {
        if (after?.metadata.namespace === 'kube-node-lease') heartbeats.lease(after, nowMs)
        return []
      },
    }),
    reading(pods, nodeNameIndex),
  ]
  return { ...base, watches: () => watches }
}
