/** What a node's agent measured of a container, as the kubelet's summary has it. Times are RFC 3339. */
export interface ContainerUsage {
  readonly name: string
  readonly startTime: string
  readonly cpu: { readonly time: string; readonly usageCoreNanoSeconds: number }
  readonly memory: { readonly workingSetBytes: number }
}
export interface PodUsage {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string }
  readonly containers: readonly ContainerUsage[]
}
/** The part of the kubelet's `/stats/summary` that metrics are made of. */
export interface NodeUsage {
  readonly node: {
    readonly startTime: string
    readonly cpu?: ContainerUsage['cpu']
    readonly memory?: ContainerUsage['memory']
  }
  readonly pods: readonly PodUsage[]
}
