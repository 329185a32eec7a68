import type { Node } from '@skiff/api'
import { node as nodes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type Cidr, ipText, parseCidr } from '@skiff/machinery'
import { type Controller, objectController } from '../runner/controller.ts'
import { event, fail, patch, type Steps } from '../runner/step.ts'

/** Which addresses pods have, and how many of them each node gets. */
export interface NodeRanges {
  /** As upstream's --cluster-cidr: one of each family at most, divided by a comma. */
  readonly clusterCidr: string
  /** The prefix length of a node's range. Upstream: 24 and 64. */
  readonly maskSizes?: { readonly ipv4?: number; readonly ipv6?: number }
}

interface Range extends Cidr {
  readonly nodeLength: number
}

const rangesOf = ({ clusterCidr, maskSizes = {} }: NodeRanges): readonly Range[] =>
  clusterCidr.split(',').map((text) => {
    const cidr = parseCidr(text)
    if (!cidr) throw new Error(`${JSON.stringify(text)} is no range of addresses`)
    const nodeLength = cidr.family === 4 ? (maskSizes.ipv4 ?? 24) : (maskSizes.ipv6 ?? 64)
    if (nodeLength < cidr.prefixLength) throw new Error(`a node's range is larger than ${text}`)
    return { ...cidr, nodeLength }
  })

/** The lowest range of a node that none has, as text; undefined when all are taken. */
const firstFree = ({ bits, family, prefixLength, nodeLength }: Range, taken: ReadonlySet<string>): string | undefined => {
  const shift = BigInt((family === 4 ? 32 : 128) - nodeLength)
  for (let index = 0n; index < 1n << BigInt(nodeLength - prefixLength); index += 1n) {
    const text = `${ipText(bits + (index << shift), family)}/${nodeLength}`
    if (!taken.has(text)) return text
  }
  return undefined
}

/** Gives a node without a range of pod addresses the first that is free of each family. */
const planRange = (node: Node, ranges: readonly Range[], views: Views): Steps => {
  if (node.spec?.podCIDR || node.metadata.deletionTimestamp !== undefined) return []
  const taken = new Set([...views.view(nodes).list()].flatMap(({ spec }) => spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])))
  const podCIDRs = ranges.map((range) => firstFree(range, taken))
  const { name } = node.metadata
  const told = (status: string) => event(node, 'Normal', status, `Node ${name} status is now: ${status}`)
  if (podCIDRs.includes(undefined))
    return [
      told('CIDRNotAvailable'),
      fail(new Error('CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range')),
    ]
  const change = { spec: { podCIDR: podCIDRs[0], podCIDRs } }
  return [patch(nodes, { name }, 'strategic', change, { failed: (error) => [told('CIDRAssignmentFailed'), fail(error)] })]
}

export const nodeIpamController = (options: NodeRanges): Controller => {
  const ranges = rangesOf(options)
  return objectController({
    name: 'node-ipam-controller',
    account: 'node-controller',
    component: 'cidrAllocator',
    resource: nodes,
    // One after the other, each seeing what the last one took.
    concurrency: 1,
    plan: (node, views) => planRange(node, ranges, views),
  })
}
