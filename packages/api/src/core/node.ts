import { duplicate, forbiddenField, quoted } from '@skiff/machinery'
import { cidrWarnings } from '../checks/address-warnings.ts'
import { collect, type Faults, invalidShown, keysOf, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkCidr, cidrFamily, isDualStack } from '../checks/ip.ts'
import { checkAmount } from '../checks/requirements.ts'
import { checkTaints } from '../checks/taints.ts'
import { withField } from '../defaults/patch.ts'
import { roundResources } from '../defaults/quantities.ts'
import { node as nodeResource } from '../generated/resources.ts'
import type { Node, NodeSpec, NodeStatus } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** podCIDR is the old name of the first of podCIDRs, and wins where they differ. */
const defaultSpec = (spec: NodeSpec): NodeSpec => {
  const first = spec.podCIDRs?.[0]
  if (spec.podCIDR === first) return spec
  return spec.podCIDR ? { ...spec, podCIDRs: [spec.podCIDR] } : { ...spec, podCIDR: first as string }
}

/** What nobody held back can all be given away. */
const defaultStatus = (status: NodeStatus): NodeStatus => {
  let next = status
  if (next.capacity) next = withField(next, 'capacity', roundResources(next.capacity))
  if (next.allocatable) next = withField(next, 'allocatable', roundResources(next.allocatable))
  return next.allocatable === undefined && next.capacity ? { ...next, allocatable: next.capacity } : next
}

const checkResources = (faults: Faults, { capacity, allocatable }: NodeStatus): void => {
  for (const name of keysOf(capacity)) checkAmount(faults, name, capacity?.[name] as string, `status.capacity.${name}`)
  for (const name of keysOf(allocatable)) checkAmount(faults, name, allocatable?.[name] as string, `status.allocatable.${name}`)
}

const checkPodCidrs = (faults: Faults, cidrs: readonly string[]): void => {
  const path = 'spec.podCIDRs'
  cidrs.forEach((cidr, index) => {
    checkCidr(faults, cidr, `${path}[${index}]`)
  })
  if (cidrs.length < 2) return
  if (cidrs.length > 2 || !isDualStack(cidrs.map(cidrFamily)))
    faults.push(invalidShown(path, goStrings(cidrs), 'may specify no more than one CIDR for each IP family'))
  cidrs.forEach((cidr, index) => {
    if (cidrs.indexOf(cidr) < index) faults.push(duplicate(`${path}[${index}]`, cidr))
  })
}

const checkNode = (faults: Faults, node: Node): void => {
  // Upstream's path says metadata.
  if (node.spec.taints) checkTaints(faults, node.spec.taints, 'metadata.taints')
  checkResources(faults, node.status ?? {})
  checkPodCidrs(faults, node.spec.podCIDRs ?? [])
}

const onlyOnce = (what: string): string => `node updates may not change ${what} except from "" to valid`

const checkNodeUpdate = (faults: Faults, next: Node, old: Node): void => {
  checkResources(faults, next.status ?? {})
  const addresses = next.status?.addresses ?? []
  addresses.forEach((address, index) => {
    if (addresses.findIndex((other) => same(other, address)) < index)
      faults.push({
        ...duplicate(`status.addresses[${index}]`, address.address),
        body: `Duplicate value: core.NodeAddress{Type:${quoted(address.type)}, Address:${quoted(address.address)}}`,
      })
  })
  const movesPods = (old.spec.podCIDRs?.length ?? 0) > 0 && !same(next.spec.podCIDRs, old.spec.podCIDRs)
  if (movesPods) faults.push(forbiddenField('spec.podCIDRs', onlyOnce('podCIDR')))
  const movesProvider = old.spec.providerID !== undefined && old.spec.providerID !== next.spec.providerID
  if (movesProvider) faults.push(forbiddenField('spec.providerID', onlyOnce('providerID')))
  if (next.spec.taints) checkTaints(faults, next.spec.taints, 'metadata.taints')
  // Upstream compares what is left, and so complains of these changes twice.
  if (movesPods || movesProvider || next.spec.externalID !== old.spec.externalID) faults.push(forbiddenField('', onlySome))
}
const onlySome =
  'node updates may only change labels, taints, or capacity (or configSource, if the DynamicKubeletConfig feature gate is enabled)'

export const node = defineKind<Node>(nodeResource, {
  generation: false,
  /** A node agent registers itself with its status. */
  keepStatusOnCreate: true,
  default: (object) => {
    const next = withField(object, 'spec', defaultSpec(object.spec))
    return next.status ? withField(next, 'status', defaultStatus(next.status)) : next
  },
  createChecksOnUpdate: 1,
  warnings: ({ spec }) => [
    ...(spec.configSource ? ['spec.configSource: the feature is removed'] : []),
    ...(spec.externalID ? ['spec.externalID: this field is deprecated, and is unused by Kubernetes'] : []),
    ...(spec.podCIDRs ?? []).flatMap((range, index) => cidrWarnings(`spec.podCIDRs[${index}]`, range)),
  ],
  validate: (next) => collect((faults) => checkNode(faults, next)),
  validateUpdate: (next, old) => collect((faults) => checkNodeUpdate(faults, next, old)),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next, old) => collect((faults) => checkNodeUpdate(faults, next, old)),
    },
  },
})
