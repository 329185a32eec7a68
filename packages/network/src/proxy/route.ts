/** One port of one service as a node sees it: where traffic may arrive, and where it goes. A plain value: routes compare by content. */
export interface Route {
  /** `namespace/name`. */
  readonly service: string
  readonly portName: string
  readonly family: Family
  readonly protocol: Protocol
  readonly clusterIP: string
  readonly port: number
  /** 0 when the service has none. */
  readonly nodePort: number
  readonly externalIPs: readonly string[]
  readonly loadBalancerIPs: readonly string[]
  /** The only sources that may use loadBalancerIPs; empty admits all. */
  readonly sourceRanges: readonly string[]
  /** 0 without session affinity. */
  readonly affinitySeconds: number
  /** Whether traffic to clusterIP, and traffic from outside, stays on this node. */
  readonly internalLocal: boolean
  readonly externalLocal: boolean
  /** Endpoints anywhere, and on this node; sorted by address and port. */
  readonly cluster: readonly Target[]
  readonly local: readonly Target[]
}

export interface Target {
  readonly ip: string
  readonly port: number
  /** Its node is this one, or unknown: it may be a client of its own service here. */
  readonly near: boolean
}

export type Family = 'ip' | 'ip6'
export type Protocol = 'tcp' | 'udp' | 'sctp'
