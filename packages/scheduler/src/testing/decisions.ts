import type { Node, Pod } from '@skiff/api'
import { type Client, connect, createMemoryServer, fixedViews, type Given, type Views, virtualEnv } from '@skiff/client'
import type { SchedulerConfiguration } from '../config/configuration.ts'
import { createDecider, type Decider } from '../cycle/decide.ts'
import { fitErrorText } from '../cycle/fit-error.ts'
import { type Cluster, isVerdict, type Plugin } from '../cycle/framework.ts'
import { createWaitingRoom } from '../cycle/waiting-pods.ts'
import { createSchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import { createEvictions } from '../preempt/evictions.ts'
import { createNominations, type Nominations } from '../preempt/nominations.ts'
import type { PluginHandle, PluginRegistry } from '../profile/handle.ts'
import { inTreePlugins } from '../profile/in-tree.ts'
import { createProfile, type Profile } from '../profile/profile.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { createSnapshot, type NodeInfo } from '../snapshot/snapshot.ts'
import { completeConfiguration } from '../start.ts'

export interface Still {
  readonly cluster: Cluster
  readonly decider: Decider
  readonly nominations: Nominations
  readonly profile: Profile
}
export interface StillOptions {
  readonly seed?: number
  /** Its first profile counts. */
  readonly configuration?: Partial<SchedulerConfiguration>
  readonly plugins?: PluginRegistry
  /** Instead of views of `others`, and of a server that knows nothing. */
  readonly views?: Views
  readonly client?: Client
}

/** A cluster that stands still: `placed` pods are on the nodes that they name. */
export const still = (
  nodes: readonly Node[],
  placed: readonly Pod[] = [],
  others: readonly Given[] = [],
  { seed = 1, configuration, plugins = {}, ...given }: StillOptions = {},
): Still => {
  const snapshot = createSnapshot()
  for (const node of nodes) snapshot.setNode(node)
  for (const pod of placed) snapshot.addPod(podInfoOf(pod), pod.spec.nodeName ?? '')
  const env = virtualEnv(seed)
  const views = given.views ?? fixedViews(...others)
  const cluster: Cluster = { snapshot, views, env }
  const nominations = createNominations(snapshot.touch)
  const client = given.client ?? connect(createMemoryServer(env, []).handler, { name: 'test', groups: [] })
  const handle: PluginHandle = {
    ...{ client, views, env, cluster, nominations, evictions: createEvictions(), extenders: [], metrics: createSchedulerMetrics() },
    stopping: new AbortController().signal,
    waitingPods: createWaitingRoom(env),
    fits: (pod, slot) => decider.fits(pod, slot),
    trial: (pod) => decider.trial(pod),
    happened: () => {},
    activate: () => {},
  }
  const [first] = completeConfiguration(configuration).profiles
  if (!first) throw new Error('a configuration has a profile')
  const profile = createProfile(first, { inTree: inTreePlugins, outOfTree: plugins, handle, percentageOfNodesToScore: 0 })
  const decider = createDecider(profile, cluster, nominations)
  return { cluster, nominations, decider, profile }
}

/** The node that a pod gets, or the text that it is refused with. */
export const decided = ({ decider }: Still, pod: Pod): string => {
  const decision = decider.decide(podInfoOf(pod))
  return 'placed' in decision ? decision.placed.name : fitErrorText(decision.refused)
}

/** What one plugin says of every node: 'fits' or its reasons; its text alone when it refuses them all at once. */
export const filtered = ({ cluster }: Still, plugin: Plugin, pod: Pod): Record<string, string> | string => {
  const run = plugin.begin?.(podInfoOf(pod), cluster) ?? 'skip'
  if (run === 'skip') return 'skip'
  if (isVerdict(run)) return run.reasons.join()
  const entries = cluster.snapshot.order.map((slot) => {
    const { name } = cluster.snapshot.node(slot) as NodeInfo
    return [name, run.filter?.(slot)?.reasons.join() ?? 'fits'] as const
  })
  return Object.fromEntries(entries)
}

/** A plugin's normalised scores of every node. */
export const scored = ({ cluster }: Still, plugin: Plugin, pod: Pod): Record<string, number> | 'skip' => {
  const run = plugin.begin?.(podInfoOf(pod), cluster) ?? 'skip'
  if (run === 'skip' || isVerdict(run) || !run.score) return 'skip'
  const { order } = cluster.snapshot
  if (run.prepareScore?.(order) === false) return 'skip'
  const scores = Float64Array.from(order, (slot) => run.score?.(slot) ?? 0)
  run.normalize?.(scores, order)
  return Object.fromEntries(order.map((slot, i) => [(cluster.snapshot.node(slot) as NodeInfo).name, scores[i] as number]))
}
