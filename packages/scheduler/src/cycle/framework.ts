import type { Node, Pod } from '@skiff/api'
import type { Views } from '@skiff/client'
import type { Env, KubeObject } from '@skiff/machinery'
import type { Waiting } from '../queue/waiting.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** Upstream's extension points, as a profile names them. */
export const extensionPoints = [
  ...(['preEnqueue', 'queueSort', 'preFilter', 'filter', 'postFilter', 'preScore', 'score'] as const),
  ...(['reserve', 'permit', 'preBind', 'bind', 'postBind'] as const),
] as const
export type ExtensionPoint = (typeof extensionPoints)[number]

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

/** Whether a pod would fit nodes, also while other pods are moved for a look and back. Holds as long as the snapshot stands still. */
export interface Trial {
  /** As the snapshot is now. Pods that were promised room on the node, and are not less important, are counted as if they were there. */
  fits(slot: number): Verdict | undefined
  add(other: PodInfo, nodeName: string, slot: number): void
  remove(other: PodInfo, nodeName: string, slot: number): void
  /** Where verdicts follow from the node and its pods alone: what pods of equal verdicts have in common. */
  readonly localClass: string | undefined
}

/** A pod may not be bound now: not at all, or once `WaitingPod.allow` is called, at the latest after so long. */
export type PermitAnswer = { readonly deny: string } | { readonly waitMs: number }

/**
 * A plugin that has seen one pod: it closes over what it computed for it. All but the last run in one synchronous stretch, in which the
 * snapshot stands still.
 */
export interface PodPlugin {
  /** PreFilter's result: no other node needs a look. */
  readonly only?: readonly string[]
  /** Undefined: the node fits. */
  filter?(slot: number): Verdict | undefined
  /** Upstream's AddPod and RemovePod: in a trial `pod` came to the node (1) or left it (-1), as the snapshot shows by now. */
  moved?(pod: PodInfo, slot: number, sign: 1 | -1): void
  /** PreScore: told the nodes that passed. False: every score would be equal, so leave the plugin out. */
  prepareScore?(feasible: readonly number[]): boolean
  score?(slot: number): number
  /** Brings raw scores to 0..100, in place. `feasible` has the same order. */
  normalize?(scores: Float64Array, feasible: readonly number[]): void
  /** A verdict takes the decision back. `unreserve` follows, also for a plugin that refused. */
  reserve?(slot: number): Verdict | undefined
  unreserve?(slot: number): void
  /** Undefined: the pod may be bound. */
  permit?(nodeName: string): PermitAnswer | undefined
  /** Rejecting sends the pod back to the queue. */
  preBind?(nodeName: string): Promise<void> | undefined
}

/** What looking for room, by preemption or otherwise, came to. */
export interface Attempt {
  /** For the end of the pod's condition; '' when a node was found. */
  readonly text: string
  /** For status.nominatedNodeName; '' clears it, undefined leaves it. */
  readonly nominate?: string
  readonly victims?: readonly PodInfo[]
  /** Less important pods that lose their promise of the same node. */
  readonly unpromised?: readonly PodInfo[]
}

/** Why no node took a pod. */
export interface Diagnosis {
  readonly nodeCount: number
  /** A plugin refused before any node was looked at. */
  readonly atBegin?: Verdict
  /** By node slot; slots without an entry were left out by a plugin that named its nodes. */
  readonly verdicts: ReadonlyMap<number, Verdict>
  readonly leftOutBy: readonly string[]
}

export interface Plugin {
  readonly name: string
  /** Of the score, where the profile names none. */
  readonly weight?: number
  /** The filter follows from the pod's class (nodeClassOf) and the node object alone: equal pods share its verdicts. */
  readonly perNode?: boolean
  /**
   * The filter keeps up with pods that moved since `begin`, and looks at no more than the node and its pods ('node'; it follows from them,
   * the pod's class, requests and host ports), or at more. Absent: trials, as preemption makes them, begin the plugin anew each time.
   */
  readonly filterReads?: 'node' | 'snapshot'
  /** Where it can be enabled. Absent: wherever it has a function; `begin` stands for preFilter to preBind. */
  readonly points?: readonly ExtensionPoint[]
  /** PreEnqueue: the text for the pod's condition when it must not be tried yet. Asked again when an event may have changed that. */
  preEnqueue?(pod: PodInfo): string | undefined
  /** QueueSort: whether `a` is tried before `b`. */
  goesFirst?(a: Waiting, b: Waiting): boolean
  begin?(pod: PodInfo, cluster: Cluster): PodPlugin | 'skip' | Verdict
  /** PostFilter: no node took the pod. The first plugin that nominates a node ends the search. */
  postFilter?(pod: PodInfo, diagnosis: Diagnosis): Attempt | Promise<Attempt>
  /** Bind: false leaves the pod to the next plugin. Rejecting sends it back to the queue. */
  bind?(pod: Pod, nodeName: string): Promise<boolean>
  postBind?(pod: Pod, nodeName: string): void
  /** What of the pod's own changes may let it in where this plugin refused it. Absent: any. */
  readonly ownChanges?: readonly OwnChange[]
  /** The kinds of events that may let a pod in that this plugin refused. Absent: all. */
  readonly reactsTo?: readonly ClusterEvent['on'][]
  /** Whether this very event may. Absent: each of those kinds. */
  hint?(event: ClusterEvent, pod: PodInfo, cluster: Cluster): boolean
}

/** How a pod that waits was changed, as far as that may let it in: upstream's names are UpdatePodLabel, UpdatePodScaleDown and so on. */
export type OwnChange = 'labels' | 'scaled-down' | 'gates-gone' | 'tolerations' | 'other'

/** What happened in the cluster that may make room for a pod. */
export type ClusterEvent =
  | { readonly on: 'node-added'; readonly node: Node }
  | { readonly on: 'node-updated'; readonly before: Node; readonly node: Node; readonly changed: NodeChange }
  | { readonly on: 'node-removed'; readonly node: Node }
  | { readonly on: 'pod-assigned'; readonly pod: PodInfo }
  | { readonly on: 'pod-updated'; readonly before: PodInfo; readonly pod: PodInfo }
  | { readonly on: 'pod-removed'; readonly pod: PodInfo }
  | {
      readonly on: 'storage'
      readonly resource: StorageResource
      readonly before?: KubeObject | undefined
      readonly after?: KubeObject | undefined
    }
  | { readonly on: 'namespace' }
  /** Told by a plugin of its own, by `PluginHandle.happened`. */
  | { readonly on: 'other'; readonly resource: string; readonly object?: unknown }

export type StorageResource =
  | 'persistentvolumes'
  | 'persistentvolumeclaims'
  | 'storageclasses'
  | 'csinodes'
  | 'csidrivers'
  | 'csistoragecapacities'
  | 'volumeattachments'

/** Which parts of a node, of those that matter here, an update changed. */
export interface NodeChange {
  readonly allocatable: boolean
  readonly labels: boolean
  readonly taints: boolean
  readonly annotations: boolean
  readonly conditions: boolean
}

export const isVerdict = (begun: PodPlugin | 'skip' | Verdict): begun is Verdict => begun !== 'skip' && 'reasons' in begun

export const unschedulable = (plugin: string, ...reasons: readonly string[]): Verdict => ({ plugin, reasons, unresolvable: false })
export const unresolvable = (plugin: string, ...reasons: readonly string[]): Verdict => ({ plugin, reasons, unresolvable: true })

/** A pod's phase says that it holds nothing any more. */
export const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
