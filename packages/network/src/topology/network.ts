import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { addressAt, type Cidr, part, type Ranges } from './ranges.ts'

/** The network of one cluster on one machine: every name and address, derived from the cluster's name, its ranges and its nodes. */
export interface ClusterNetwork {
  readonly cluster: string
  /** Links the nodes. The host's end of it is node 1. */
  readonly bridge: string
  readonly ranges: Ranges
  /** Where cluster DNS answers, on every node for itself. */
  readonly dnsAddress: string
  /** The cluster address of the API. */
  readonly apiAddress: string
  readonly nodes: readonly NodeNetwork[]
}

export interface NodeNetwork {
  readonly name: string
  /** From 1; the first is the host itself. */
  readonly number: number
  readonly address: string
  readonly podRange: Cidr
  /** The bridge that the node's pods are plugged into, by its CNI plugins. */
  readonly podBridge: string
  /** Only of nodes other than the host: the file of the node's network namespace, and the host's end of its cable. */
  readonly netns?: string
  readonly link?: string
}

export interface NetworkOptions {
  readonly cluster: string
  readonly ranges: Ranges
  /** Names of nodes by number. Numbers stay with their node while it lives, since addresses follow from them. */
  readonly nodes: ReadonlyMap<number, string>
  /** /run/netns unless told. */
  readonly netnsDir?: string
}

export const NETNS_DIR = '/run/netns'
/** Each node's share of the pod range. */
const NODE_BITS = 24

/** All names and addresses of a cluster on one machine. Throws when a node has no place in the ranges. */
export const describeNetwork = ({ cluster, ranges, nodes, netnsDir = NETNS_DIR }: NetworkOptions): ClusterNetwork => {
  const id = shortId(cluster)
  return {
    cluster,
    bridge: `skiff-${id}`,
    ranges,
    dnsAddress: addressAt(ranges.services, 10),
    apiAddress: addressAt(ranges.services, 1),
    nodes: [...nodes]
      .sort(([a], [b]) => a - b)
      .map(([number, name]) => {
        const podRange = part(ranges.pods, NODE_BITS, number - 1)
        if (podRange === undefined || number < 1 || part(ranges.links, 32, number + 1) === undefined)
          throw new Error(`node ${number} has no place in ${ranges.pods} and ${ranges.links}`)
        const place = { name, number, address: addressAt(ranges.links, number), podRange }
        if (number === 1) return { ...place, podBridge: `skiff-${id}-p` }
        return {
          ...place,
          podBridge: 'cni0',
          netns: join(netnsDir, `${namespacePrefix(cluster)}${name}`),
          link: `${linkPrefix(cluster)}${number}`,
        }
      }),
  }
}

/** Cluster names have no dot, so one cluster's prefix is never the beginning of another's. */
export const namespacePrefix = (cluster: string): string => `skiff.${cluster}.`
export const linkPrefix = (cluster: string): string => `sk-${shortId(cluster)}-`
/** The bridges of a cluster on the host. */
export const bridgesOf = (cluster: string): [bridge: string, podBridge: string] => {
  const id = shortId(cluster)
  return [`skiff-${id}`, `skiff-${id}-p`]
}
/** The host's nftables tables of a cluster, beside those of its services. */
export const edgeTable = (cluster: string): string => `skiff-${shortId(cluster)}-edge`
export const cutTable = (cluster: string): string => `skiff-${shortId(cluster)}-cut`
/** The table of a node's service rules; nodes in namespaces of their own may share the name. */
export const serviceTable = (cluster: string): string => `skiff-${shortId(cluster)}`

/** Interface names have at most 15 bytes. A name that is too long is replaced by a digest that no name can be. */
const shortId = (cluster: string): string =>
  /^[a-z0-9]{1,7}$/.test(cluster) ? cluster : `_${createHash('sha256').update(cluster).digest('hex').slice(0, 6)}`
