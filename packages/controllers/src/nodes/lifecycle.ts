import type { Lease, Node, Pod } from '@skiff/api'
import { lease as leases, node as nodes, pod as pods } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { rfc3339 } from '@skiff/machinery'
import { isReady } from '../pods.ts'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { event, patch, requeue, type Step, type Steps, targetOf, together, updateStatus } from '../runner/step.ts'
import { type NodeHealth, type Patience, readiness, silenced, silentAtMs, upstreamHealth } from './health.ts'
import { createHeartbeats } from './heartbeats.ts'
import { evictingKey, wantedTaints, withoutEvicting } from './taints.ts'
import { createZones, type Disruption, type Zones } from './zones.ts'

export const nodeNameIndex = { nodeName: (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : []) }

/** Node events name the node by its name alone, as upstream's do. */
const aboutNode = (node: { readonly name: string; readonly uid: string }) => ({ kind: 'Node', apiVersion: 'v1', ...node })
const nodeEvent = (node: { readonly name: string; readonly uid: string }, reason: string, message: string): Step =>
  event(aboutNode({ name: node.name, uid: node.uid }), 'Normal', reason, message)

/**
 * Judges a node by its signs of life: past the patience its conditions become unknown, taints follow the conditions, and its pods
 * are no longer ready. Driving pods away is paced by zone, and stops when no node at all can be heard.
 */
export const planNode = (node: Node, views: Views, zones: Zones, lastMs: number, nowMs: number, patience: Patience): Steps => {
  const silentMs = silentAtMs(node, lastMs, patience)
  const judged = nowMs >= silentMs ? silenced(node, nowMs) : node
  if (judged !== node) {
    const { name } = node.metadata
    const told = readiness(node) === 'True' ? [nodeEvent(node.metadata, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)] : []
    return [...told, updateStatus(nodes, judged)]
  }
  const wait = nowMs < silentMs ? [requeue(silentMs - nowMs)] : []
  return [...taintSteps(node, zones.disruption(), nowMs), ...podSteps(node, views, nowMs), ...wait]
}

const taintSteps = (node: Node, disruption: Disruption, nowMs: number): Steps => {
  const held = node.spec.taints ?? []
  const mayMs = evictingKey(node) === undefined ? undefined : disruption.mayTaintAtMs(node)
  const wanted = wantedTaints(node, mayMs !== undefined && mayMs <= nowMs, nowMs)
  const taints = disruption.isTotal ? withoutEvicting(wanted) : wanted
  const later = mayMs !== undefined && mayMs > nowMs ? [requeue(mayMs - nowMs)] : []
  if (taints === held) return later
  // The version goes along: taints are one list, and another writer's must not be lost.
  const { resourceVersion } = node.metadata
  return [patch(nodes, targetOf(node), 'merge', { metadata: { resourceVersion }, spec: { taints } }), ...later]
}

const podSteps = (node: Node, views: Views, nowMs: number): Steps => {
  const status = readiness(node)
  if (status === 'True' || status === undefined) return []
  const ready = views.view(pods).indexed('nodeName', node.metadata.name).filter(isReady)
  return ready.length === 0 ? [] : [together(ready.flatMap((pod) => [notReady(pod, nowMs)]))]
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
      failed: () => [],
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
      if (after && heartbeats.node(after, nowMs)) unannounced.add(after.metadata.name)
      if (!after && before) {
        heartbeats.forget(before.metadata.name)
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
      return [...announce(node), ...planNode(node, views, zones, heartbeats.lastMs(node.metadata.name) ?? nowMs, nowMs, health)]
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
    watching<Pod>({
      resource: pods,
      indexes: nodeNameIndex,
      keys: ({ after }, views) => {
        const name = after?.spec.nodeName
        const node = name && after && isReady(after) ? views.view(nodes).get(name) : undefined
        return node && readiness(node) !== 'True' ? [node.metadata.name] : []
      },
    }),
  ]
  return { ...base, watches: () => watches }
}
