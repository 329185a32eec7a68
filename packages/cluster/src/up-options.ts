import type { NodeFlags } from './node-flags.ts'

/** What `skiff up` was asked for; what is absent is chosen, or stays as it was. */
export interface UpOptions extends NodeFlags {
  readonly name: string
  readonly nodes?: number
  readonly data?: string
  readonly apiPort?: number
  readonly runtime?: string
  readonly controlPlaneOnly?: boolean
  /** How many nodes are played in the server's process, instead of others. */
  readonly simulatedNodes?: number
  /** A file with shapes, stages and usage of simulated nodes and their pods. */
  readonly simulation?: string
  /** As upstream's --controllers, divided by commas. */
  readonly controllers?: string
  /** Of a KubeSchedulerConfiguration; '' takes it away again. */
  readonly schedulerConfig?: string
  /** Files of plugins out of the tree, divided by commas; '' takes them away again. */
  readonly schedulerPlugins?: string
  /** As upstream's --feature-gates: `A=true,B=false`. */
  readonly featureGates?: string
  /** As upstream's --runtime-config: `api/beta=true,apps/v1=false`. */
  readonly runtimeConfig?: string
  /** As upstream's --service-cluster-ip-range: a range, or one of each family. */
  readonly serviceClusterIpRange?: string
  /** As upstream's --service-node-port-range: `30000-32767`. */
  readonly serviceNodePortRange?: string
  /** As upstream's --max-requests-inflight, --max-mutating-requests-inflight and --enable-priority-and-fairness. */
  readonly maxRequestsInflight?: number
  readonly maxMutatingRequestsInflight?: number
  readonly enablePriorityAndFairness?: string
  /** Also the API versions that upstream removed. */
  readonly legacyApis?: boolean
  /** As upstream's: tokens of machines that are to join. */
  readonly enableBootstrapTokenAuth?: boolean
}
