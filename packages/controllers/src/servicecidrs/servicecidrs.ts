import { type IPAddress, ipAddress as ipAddresses, type ServiceCIDR, serviceCIDR as serviceCidrs } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type Cidr, ipBits, ipFamilyOf, parseCidr, rfc3339 } from '@skiff/machinery'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { patch, requeue, type Step, type Steps } from '../runner/step.ts'

const finalizer = 'networking.k8s.io/service-cidr-finalizer'
const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
const allocatorName = 'ipallocator.k8s.io'
/** Until servers have heard that the range goes, and give out no more of it. */
const graceMs = 10_000

const ranges = ({ spec }: ServiceCIDR): readonly Cidr[] => (spec.cidrs ?? []).flatMap((cidr) => parseCidr(cidr) ?? [])
const hostBits = ({ family, prefixLength }: Cidr): bigint => BigInt((family === 4 ? 32 : 128) - prefixLength)
/** All of `inner` lies in `outer`. */
const covers = (outer: Cidr, inner: Cidr): boolean =>
  outer.family === inner.family &&
  outer.prefixLength <= inner.prefixLength &&
  outer.bits >> hostBits(outer) === inner.bits >> hostBits(outer)
const overlap = (one: Cidr, other: Cidr): boolean => covers(one, other) || covers(other, one)

/** An address that a Service may have: neither the network's own nor an IPv4 broadcast address. */
const holds = (range: Cidr, name: string): boolean => {
  const family = ipFamilyOf(name)
  if (family !== range.family) return false
  const [bits, shift] = [ipBits(name), hostBits(range)]
  if (bits >> shift !== range.bits >> shift) return false
  const offset = bits - ((range.bits >> shift) << shift)
  return offset !== 0n && !(family === 4 && offset === (1n << shift) - 1n)
}

const isManaged = ({ metadata }: IPAddress): boolean => metadata.labels?.[managedByLabel] === allocatorName

const allRanges = (views: Views): readonly ServiceCIDR[] => [...views.view(serviceCidrs).list()]

const stillUsed = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
const isReady = 'Kubernetes Service CIDR is ready'

const setReady = (object: ServiceCIDR, status: 'True' | 'False', reason: string, message: string, nowMs: number): readonly Step[] => {
  const held = object.status?.conditions?.find(({ type }) => type === 'Ready')
  if (held?.status === status && held.reason === reason && held.message === message) return []
  const condition = { type: 'Ready', status, reason, message, lastTransitionTime: rfc3339(nowMs) }
  const target = { name: object.metadata.name, subresource: 'status' }
  return [patch(serviceCidrs, target, 'strategic', { status: { conditions: [condition] } })]
}

const setFinalizer = ({ metadata }: ServiceCIDR, wanted: boolean): readonly Step[] => {
  if ((metadata.finalizers ?? []).includes(finalizer) === wanted) return []
  const change = { [wanted ? 'finalizers' : '$deleteFromPrimitiveList/finalizers']: [finalizer] }
  return [patch(serviceCidrs, { name: metadata.name }, 'strategic', { metadata: change })]
}

/** Every address of the range would do without it: another one covers it, or nobody has an address of it alone. */
const mayGo = (object: ServiceCIDR, views: Views): boolean => {
  const others = allRanges(views).filter(({ metadata }) => metadata.name !== object.metadata.name)
  const own = ranges(object)
  const elsewhere = others.flatMap(ranges)
  if (own.every((range) => elsewhere.some((other) => covers(other, range)))) return true
  for (const address of views.view(ipAddresses).list()) {
    if (!isManaged(address)) continue
    const { name } = address.metadata
    if (own.some((range) => holds(range, name)) && !elsewhere.some((range) => holds(range, name))) return false
  }
  return true
}

/** A ServiceCIDR is ready, and stays as long as it is the only one that holds an address in use. */
export const planServiceCidr = (object: ServiceCIDR, views: Views, nowMs: number): Steps => {
  const { deletionTimestamp } = object.metadata
  if (deletionTimestamp === undefined) return [...setFinalizer(object, true), ...setReady(object, 'True', '', isReady, nowMs)]
  if (!mayGo(object, views)) return setReady(object, 'False', 'Terminating', stillUsed, nowMs)
  const leftMs = Date.parse(deletionTimestamp) + graceMs - nowMs
  return leftMs > 0 ? [requeue(leftMs)] : setFinalizer(object, false)
}

const concernedBy = (address: IPAddress, views: Views): string[] =>
  isManaged(address)
    ? allRanges(views)
        .filter((object) => ranges(object).some((range) => holds(range, address.metadata.name)))
        .map(({ metadata }) => metadata.name)
    : []

export const serviceCidrController = (): Controller =>
  objectController({
    name: 'service-cidr-controller',
    account: 'service-cidrs-controller',
    resource: serviceCidrs,
    watches: [
      // One that comes or goes may set free, or hold, those that it overlaps.
      watching<ServiceCIDR>({
        resource: serviceCidrs,
        keys: ({ before, after }, views) => {
          if (before && after) return []
          const changed = ranges((after ?? before) as ServiceCIDR)
          return allRanges(views)
            .filter((object) => ranges(object).some((range) => changed.some((each) => overlap(each, range))))
            .map(({ metadata }) => metadata.name)
        },
      }),
      watching<IPAddress>({
        resource: ipAddresses,
        keys: ({ before, after }, views) => (before && after ? [] : concernedBy((after ?? before) as IPAddress, views)),
      }),
    ],
    plan: planServiceCidr,
  })
