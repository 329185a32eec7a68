import { eachOf, type Form, given, type Loose, type LooseFields } from './legacy-kind.ts'

const zoneLabel = 'topology.kubernetes.io/zone'
const hostLabel = 'kubernetes.io/hostname'
type Topology = Readonly<Record<string, string>>

/** The zone has a field today; the host's name goes where it says what nodeName says. */
const toStored = ({ topology, ...endpoint }: LooseFields): LooseFields => {
  if (!topology) return endpoint
  const { [zoneLabel]: zone, ...others } = topology as Topology
  const { [hostLabel]: host, ...rest } = others
  const kept = host !== undefined && host === endpoint.nodeName ? rest : others
  return given({ ...endpoint, zone, deprecatedTopology: Object.keys(kept).length > 0 ? kept : undefined })
}

const fromStored = ({ deprecatedTopology, zone, ...endpoint }: LooseFields): LooseFields => {
  const { nodeName } = endpoint
  if (deprecatedTopology === undefined && zone === undefined && nodeName === undefined) return endpoint
  const topology: Record<string, unknown> = { ...(deprecatedTopology as Topology | undefined) }
  if (zone !== undefined) topology[zoneLabel] = zone
  if (nodeName !== undefined && !topology[hostLabel]) topology[hostLabel] = nodeName
  return { ...endpoint, topology }
}

const each = (change: (endpoint: LooseFields) => LooseFields) => (object: Loose) =>
  ({ ...object, endpoints: eachOf(object.endpoints, change) }) as Loose

/** EndpointSlices of discovery.k8s.io/v1beta1, whose endpoints told in a map where they are. */
export const endpointSlice: Form = { toStored: each(toStored), fromStored: each(fromStored) }
