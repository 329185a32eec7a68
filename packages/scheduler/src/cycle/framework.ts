import type { Node, Pod } from '@skiff/api'
import type { Views } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** Why a node, or (from `begin`) every node, does not take a pod. */
export interface Verdict {
  readonly plugin: string
  readonly reasons: readonly string[]
  /** Removing pods from the node would not help, so preemption leaves it out. */
  readonly unresolvable: boolean
}

/** What a plugin may look at when a pod's cycle begins. */
export interface Cluster {
  readonly snapshot: Snapshot
  readonly views: Views
  readonly env: Env
}

/**
 * A plugin that has seen one pod: it closes over what it computed for it. All but the last two run in one synchronous stretch, in
 * which the snapshot stands still.
 */
export interface PodPlugin {
  /** PreFilter's result: no other node needs a look. */
  readonly only?: readonly string[]
  /** Undefined: the node fits. */
  filter?(slot: number): Verdict | undefined
  /** PreScore: told the nodes that passed. False: every score would be equal, so leave the plugin out. */
  prepareScore?(feasible: readonly number[]): boolean
  score?(slot: number): number
  /** Brings raw scores to 0..100, in place. `feasible` has the same order. */
  normalize?(scores: Float64Array, feasible: readonly number[]): void
  reserve?(slot: number): void
  unreserve?(slot: number): void
  /** Rejecting sends the pod back to the queue. */
  permit?(nodeName: string): Promise<void> | undefined
  preBind?(nodeName: string): Promise<void> | undefined
}

export interface Plugin {
  readonly name: string
  /** Of the score, as in upstream's default profile. */
  readonly weight?: number
  /** The filter follows from the pod's class (nodeClassOf) and the node object alone: equal pods share its verdicts. */
  readonly perNode?: boolean
  begin(pod: PodInfo, cluster: Cluster): PodPlugin | 'skip' | Verdict
  /** The kinds of events that may let a pod in that this plugin refused. Absent: all. */
  readonly reactsTo?: readonly ClusterEvent['on'][]
  /** Whether this very event may. Absent: each of those kinds. */
  hint?(event: ClusterEvent, pod: PodInfo, cluster: Cluster): boolean
}

/** What happened in the cluster that may make room for a pod. */
export type ClusterEvent =
  | { readonly on: 'node-added'; readonly node: Node }
  | { readonly on: 'node-updated'; readonly before: Node; readonly node: Node; readonly changed: NodeChange }
  | { readonly on: 'pod-assigned'; readonly pod: PodInfo }
  | { readonly on: 'pod-updated'; readonly before: PodInfo; readonly pod: PodInfo }
  | { readonly on: 'pod-removed'; readonly pod: PodInfo }
  | { readonly on: 'storage' }
  | { readonly on: 'namespace' }

/** Which parts of a node, of those that matter here, an update changed. */
export interface NodeChange {
  readonly allocatable: boolean
  readonly labels: boolean
  readonly taints: boolean
}

export const isVerdict = (begun: PodPlugin | 'skip' | Verdict): begun is Verdict => begun !== 'skip' && 'reasons' in begun

export const unschedulable = (plugin: string, ...reasons: readonly string[]): Verdict => ({ plugin, reasons, unresolvable: false })
export const unresolvable = (plugin: string, ...reasons: readonly string[]): Verdict => ({ plugin, reasons, unresolvable: true })

/** A pod's phase says that it holds nothing any more. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
