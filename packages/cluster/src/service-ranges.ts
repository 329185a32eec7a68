import { parseCidr } from '@skiff/machinery'
import type { ClusterRecord } from './record.ts'
import { UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

type Chosen = Pick<ClusterRecord, 'serviceRange' | 'nodePortRange'>

/** The ranges of addresses for Services that a record names: one, or one of each family. */
export const serviceRangeOf = ({ serviceRange, ranges }: ClusterRecord): string => serviceRange ?? ranges.services

/** What was asked for, checked before anything starts. */
export const serviceRanges = ({ serviceClusterIpRange, serviceNodePortRange }: UpOptions): Chosen => {
  if (serviceClusterIpRange !== undefined) checkAddresses(serviceClusterIpRange)
  if (serviceNodePortRange !== undefined) checkPorts(serviceNodePortRange)
  return {
    ...(serviceClusterIpRange !== undefined ? { serviceRange: serviceClusterIpRange } : {}),
    ...(serviceNodePortRange !== undefined ? { nodePortRange: serviceNodePortRange } : {}),
  }
}

/** The IPv4 range among those asked for: what the cluster's own network and DNS use. */
export const ipv4Range = ({ serviceClusterIpRange }: UpOptions): string | undefined => serviceClusterIpRange?.split(',')[0]

const checkAddresses = (text: string): void => {
  const refuse = (why: string): never => {
    throw new UserError(`--service-cluster-ip-range ${text}: ${why}`)
  }
  const ranges = text.split(',')
  const families = ranges.map((range) => {
    const parsed = parseCidr(range) ?? refuse(`${JSON.stringify(range)} is no range, such as 10.96.0.0/16 or fd00:10:96::/112`)
    const [shortest, longest] = parsed.family === 4 ? [8, 28] : [64, 124]
    if (parsed.prefixLength < shortest || parsed.prefixLength > longest)
      refuse(`the prefix of an ${parsed.family === 4 ? 'IPv4' : 'IPv6'} range has ${shortest} to ${longest} bits`)
    return parsed.family
  })
  if (ranges.length > 2 || new Set(families).size < families.length) refuse('one range, or one of each family divided by a comma')
  if (families[0] !== 4) refuse('the first range must be of IPv4: nodes and pods have IPv4 addresses')
}

const checkPorts = (text: string): void => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || first < 1 || first > last || last > 65_535)
    throw new UserError(`--service-node-port-range ${text}: ports as first-last, such as 30000-32767`)
}

/** Ranges of a cluster that is there: a second family may come, the first stays, since addresses of it are in use. */
export const changedRanges = (held: ClusterRecord, options: UpOptions): Chosen => {
  const chosen = serviceRanges(options)
  const before = serviceRangeOf(held)
  if (chosen.serviceRange !== undefined && chosen.serviceRange !== before && !chosen.serviceRange.startsWith(`${before},`))
    throw new UserError(
      `cluster ${held.name} has the service range ${before}, to which only a second family can be added; \`skiff down --name ${held.name}\` begins anew`,
    )
  return chosen
}
