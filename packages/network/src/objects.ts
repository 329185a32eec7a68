/**
 * The fields of Service, EndpointSlice and Namespace that the network reads, as they stand on the wire. Structural: an object of the
 * api package fits, and so does parsed JSON. Everything that an older or foreign writer may leave out is optional.
 */
export interface ServiceObject {
  readonly metadata: ObjectName & { readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: ServiceSpec
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly LoadBalancerIngress[] } }
}

export interface ObjectName {
  readonly name: string
  readonly namespace?: string
}

export interface ServiceSpec {
  readonly type?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
  readonly externalIPs?: readonly string[]
  readonly externalName?: string
  readonly ports?: readonly ServicePort[]
  readonly sessionAffinity?: string
  readonly sessionAffinityConfig?: { readonly clientIP?: { readonly timeoutSeconds?: number } }
  readonly internalTrafficPolicy?: string
  readonly externalTrafficPolicy?: string
  readonly loadBalancerSourceRanges?: readonly string[]
  readonly publishNotReadyAddresses?: boolean
}

export interface ServicePort {
  readonly name?: string
  readonly protocol?: string
  readonly port: number
  readonly nodePort?: number
}

export interface LoadBalancerIngress {
  readonly ip?: string
  /** 'Proxy' means that the balancer terminates the address itself: nodes leave it alone. */
  readonly ipMode?: string
}

export interface EndpointSliceObject {
  readonly metadata: ObjectName & { readonly labels?: Readonly<Record<string, string>> }
  readonly addressType: string
  readonly endpoints?: readonly Endpoint[] | null
  readonly ports?: readonly EndpointPort[] | null
}

export interface Endpoint {
  readonly addresses: readonly string[]
  readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean }
  readonly hostname?: string
  readonly nodeName?: string
  readonly hints?: { readonly forZones?: readonly { readonly name: string }[] }
}

export interface EndpointPort {
  readonly name?: string
  readonly protocol?: string
  readonly port?: number
}

export interface NamespaceObject {
  readonly metadata: ObjectName
}

/** The label by which a slice names its service. */
const SERVICE_NAME = 'kubernetes.io/service-name'

/** `namespace/name` of the service that a slice belongs to; undefined for a slice of no service. */
export const serviceOfSlice = (slice: EndpointSliceObject): string | undefined => {
  const name = slice.metadata.labels?.[SERVICE_NAME]
  return name === undefined || name === '' ? undefined : `${slice.metadata.namespace ?? ''}/${name}`
}

/** The cluster addresses of a service, primary first; empty for headless and external-name services. */
export const clusterIPsOf = (spec: ServiceSpec): readonly string[] => {
  if (spec.type === 'ExternalName') return []
  const all = spec.clusterIPs?.length ? spec.clusterIPs : [spec.clusterIP ?? '']
  return all.filter((ip) => ip !== '' && ip !== 'None')
}

/** A service without a cluster address, whose name resolves to its endpoints. */
export const isHeadless = (spec: ServiceSpec): boolean =>
  spec.type !== 'ExternalName' && (spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None')
