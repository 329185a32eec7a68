import { duplicate, forbiddenField, isConfigMapKey, nameIsDnsLabel, nameIsDnsSubdomain, quoted, repeats, required } from '@skiff/machinery'
import { cidrWarnings } from '../checks/address-warnings.ts'
import { addInvalid, collect, type Faults, invalidShown, keysOf, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkCidr, cidrFamily, isDualStack } from '../checks/ip.ts'
import { checkAmount } from '../checks/requirements.ts'
import { checkTaints } from '../checks/taints.ts'
import { withField } from '../defaults/patch.ts'
import { roundResources } from '../defaults/quantities.ts'
import { node as nodeResource } from '../generated/resources.ts'
import type { Node, NodeConfigSource, NodeSpec, NodeStatus } from '../generated/types.ts'
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
  for (const name of keysOf(capacity)) checkAmount(faults, name, capacity, `status.capacity.${name}`)
  for (const name of keysOf(allocatable)) checkAmount(faults, name, allocatable, `status.allocatable.${name}`)
}

const checkPodCidrs = (faults: Faults, cidrs: readonly string[]): void => {
  const path = 'spec.podCIDRs'
  cidrs.forEach((cidr, index) => {
    checkCidr(faults, cidr, `${path}[${index}]`)
  })
  if (cidrs.length < 2) return
  if (cidrs.length > 2 || !isDualStack(cidrs.map(cidrFamily)))
    faults.push(invalidShown(path, goStrings(cidrs), 'may specify no more than one CIDR for each IP family'))
  const again = repeats(cidrs)
  cidrs.forEach((cidr, index) => {
    if (again.has(index)) faults.push(duplicate(`${path}[${index}]`, cidr))
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
  const again = repeats(addresses.map((address) => JSON.stringify([address.type, address.address])))
  addresses.forEach((address, index) => {
    if (again.has(index))
      faults.push({
        ...duplicate(`status.addresses[${index}]`, address.address),
        body: `Duplicate value: core.NodeAddress{Type:${quoted(address.type)}, Address:${quoted(address.address)}}`,
      })
  })
  const before = old.spec.podCIDRs ?? []
  const after = next.spec.podCIDRs ?? []
  // Upstream complains of each range that moved.
  const moved = before.length === after.length ? before.filter((cidr, index) => cidr !== after[index]).length : Math.min(before.length, 1)
  for (let count = 0; count < moved; count++) faults.push(forbiddenField('spec.podCIDRs', onlyOnce('podCIDR')))
  if (old.spec.providerID && old.spec.providerID !== next.spec.providerID)
    faults.push(forbiddenField('spec.providerID', onlyOnce('providerID')))
  if (next.spec.configSource) checkConfigSource(faults, next.spec.configSource)
  if (next.spec.taints) checkTaints(faults, next.spec.taints, 'metadata.taints')
  if (next.spec.externalID !== old.spec.externalID) faults.push(forbiddenField('spec.externalID', 'may not be updated'))
}

/** The feature is gone, its checks stayed. */
const checkConfigSource = (faults: Faults, { configMap }: NodeConfigSource): void => {
  const path = 'spec.configSource'
  if (configMap === undefined) {
    faults.push(
      invalidShown(
        path,
        'core.NodeConfigSource{ConfigMap:(*core.ConfigMapNodeConfigSource)(nil)}',
        'exactly one reference subfield must be non-nil',
      ),
    )
    return
  }
  const { uid, resourceVersion, namespace = '', name = '', kubeletConfigKey = '' } = configMap
  const at = `${path}.configMap`
  if (uid) faults.push(forbiddenField(`${at}.uid`, 'uid must not be set in spec'))
  if (resourceVersion) faults.push(forbiddenField(`${at}.resourceVersion`, 'resourceVersion must not be set in spec'))
  const check = (value: string, field: string, complaints: (value: string) => readonly string[]) => {
    if (value === '') faults.push(required(`${at}.${field}`, `${field} must be set`))
    else addInvalid(faults, complaints(value), value, `${at}.${field}`)
  }
  check(namespace, 'namespace', (value) => nameIsDnsLabel(value, false))
  check(name, 'name', (value) => nameIsDnsSubdomain(value, false))
  check(kubeletConfigKey, 'kubeletConfigKey', isConfigMapKey)
}

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
