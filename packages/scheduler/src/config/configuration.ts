import type { NodeAffinity, TopologySpreadConstraint } from '@skiff/api'
import type { ExtensionPoint } from '../cycle/framework.ts'

/** KubeSchedulerConfiguration, kubescheduler.config.k8s.io/v1: what a file holds, and with `defaulted` what counts. */
export interface SchedulerConfiguration {
  readonly apiVersion: string
  readonly kind: string
  /** Accepted, and of no effect: a decision is one synchronous stretch. */
  readonly parallelism?: number
  readonly leaderElection?: LeaderElection
  readonly clientConnection?: ClientConnection
  readonly enableProfiling?: boolean
  readonly enableContentionProfiling?: boolean
  /** 0: upstream's own share, which shrinks as the cluster grows. */
  readonly percentageOfNodesToScore?: number
  readonly podInitialBackoffSeconds?: number
  readonly podMaxBackoffSeconds?: number
  readonly profiles?: readonly ProfileConfig[]
  readonly extenders?: readonly ExtenderConfig[]
  readonly delayCacheUntilActive?: boolean
}

export interface LeaderElection {
  readonly leaderElect?: boolean
  /** Durations in Go's form: 15s. */
  readonly leaseDuration?: string
  readonly renewDeadline?: string
  readonly retryPeriod?: string
  readonly resourceLock?: string
  readonly resourceName?: string
  readonly resourceNamespace?: string
}
export interface ClientConnection {
  readonly kubeconfig?: string
  readonly acceptContentTypes?: string
  readonly contentType?: string
  readonly qps?: number
  readonly burst?: number
}

export interface ProfileConfig {
  readonly schedulerName?: string
  readonly percentageOfNodesToScore?: number
  readonly plugins?: PluginSets
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: unknown }[]
}
export type PluginSets = Readonly<Partial<Record<ExtensionPoint | 'multiPoint', PluginSet>>>
export interface PluginSet {
  readonly enabled?: readonly PluginRef[]
  readonly disabled?: readonly PluginRef[]
}
export interface PluginRef {
  readonly name: string
  /** Of the score. */
  readonly weight?: number
}

export interface ExtenderConfig {
  readonly urlPrefix?: string
  readonly filterVerb?: string
  readonly preemptVerb?: string
  readonly prioritizeVerb?: string
  readonly weight?: number
  readonly bindVerb?: string
  readonly enableHTTPS?: boolean
  readonly tlsConfig?: ExtenderTls
  /** A duration in Go's form. */
  readonly httpTimeout?: string
  readonly nodeCacheCapable?: boolean
  readonly managedResources?: readonly { readonly name: string; readonly ignoredByScheduler?: boolean }[]
  readonly ignorable?: boolean
}
export interface ExtenderTls {
  readonly insecure?: boolean
  readonly serverName?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly caFile?: string
  /** PEM in base64; it counts before the file. */
  readonly certData?: string
  readonly keyData?: string
  readonly caData?: string
}

export interface ResourceWeight {
  readonly name: string
  readonly weight: number
}
/** A line through points: utilization 0..100, score 0..10. */
export interface ShapePoint {
  readonly utilization: number
  readonly score: number
}
export interface ScoringStrategy {
  readonly type: string
  readonly resources: readonly ResourceWeight[]
  readonly requestedToCapacityRatio?: { readonly shape?: readonly ShapePoint[] }
}

/** The arguments of in-tree plugins once defaults are filled in, by plugin. */
export interface InTreeArgs {
  readonly DefaultPreemption: { readonly minCandidateNodesPercentage: number; readonly minCandidateNodesAbsolute: number }
  readonly InterPodAffinity: { readonly hardPodAffinityWeight: number; readonly ignorePreferredTermsOfExistingPods?: boolean }
  readonly NodeAffinity: { readonly addedAffinity?: NodeAffinity }
  readonly NodeResourcesFit: {
    readonly ignoredResources?: readonly string[]
    readonly ignoredResourceGroups?: readonly string[]
    readonly scoringStrategy: ScoringStrategy
  }
  readonly NodeResourcesBalancedAllocation: { readonly resources: readonly ResourceWeight[] }
  readonly PodTopologySpread: { readonly defaultConstraints?: readonly TopologySpreadConstraint[]; readonly defaultingType: string }
  readonly VolumeBinding: { readonly bindTimeoutSeconds: number; readonly shape?: readonly ShapePoint[] }
}
