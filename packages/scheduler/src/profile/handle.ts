import type { Client, Views } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cluster, ClusterEvent, Plugin, Trial, Verdict } from '../cycle/framework.ts'
import type { WaitingPods } from '../cycle/waiting-pods.ts'
import type { Extender } from '../extender/extender.ts'
import type { SchedulerMetrics } from '../metrics/scheduler-metrics.ts'
import type { Evictions } from '../preempt/evictions.ts'
import type { Nominations } from '../preempt/nominations.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'

/** What a plugin is made with. Its functions hold once the profile is complete: call them from the plugin's functions, not while it is made. */
export interface PluginHandle {
  readonly client: Client
  readonly views: Views
  readonly env: Env
  /** Aborts when the scheduler stops. */
  readonly stopping: AbortSignal
  readonly cluster: Cluster
  readonly nominations: Nominations
  readonly evictions: Evictions
  readonly extenders: readonly Extender[]
  readonly waitingPods: WaitingPods
  readonly metrics: SchedulerMetrics
  /** Whether `pod` would fit the node at `slot`, by the filters of this profile. */
  fits(pod: PodInfo, slot: number): Verdict | undefined
  /** The same, over and over within one stretch, while other pods come and go for a look. */
  trial(pod: PodInfo): Trial
  /** Something happened, of which only the plugin knows, that may let pods in. */
  happened(event: ClusterEvent): void
  /** Upstream's Activate: waiting pods, by uid, that shall be tried now, whatever refused them and however long they have to wait. */
  activate(uids: readonly string[]): void
}

/** Makes a plugin once a profile. `args` is what its pluginConfig holds: for plugins out of the tree, whatever the user wrote. */
export type PluginFactory = (args: unknown, handle: PluginHandle) => Plugin
export type PluginRegistry = Readonly<Record<string, PluginFactory>>
