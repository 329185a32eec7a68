import { createHash } from 'node:crypto'
import { cutRules, edgeRules, removeTable } from './edge.ts'
import {
  bridgesOf,
  type ClusterNetwork,
  cutTable,
  edgeTable,
  linkPrefix,
  type NodeNetwork,
  namespacePrefix,
  serviceTable,
} from './network.ts'

/** One thing to do to the machine. Steps run in order; the first failure ends them, and planning again goes on from there. */
export type Step =
  /** A named network namespace with its own file. */
  | { readonly do: 'namespace'; readonly path: string }
  | { readonly do: 'drop-namespace'; readonly path: string }
  /** Lines for `ip -batch`, in one process. */
  | { readonly do: 'ip'; readonly netns?: string; readonly lines: readonly string[] }
  /** `optional` ones may be missing from the kernel. */
  | { readonly do: 'sysctl'; readonly netns?: string; readonly settings: readonly string[]; readonly optional?: readonly string[] }
  | { readonly do: 'nft'; readonly text: string }
  | { readonly do: 'run'; readonly argv: readonly string[] }

/** What of the machine decides the steps. */
export interface Machine {
  /** Names of the host's interfaces. */
  readonly links: ReadonlySet<string>
  /** Files of named network namespaces, and whether a namespace is (still) behind each. */
  readonly namespaces: ReadonlyMap<string, boolean>
  /** Names of the host's IPv4 nftables tables. */
  readonly tables: ReadonlySet<string>
  /** The rules of the host's iptables FORWARD chain, when its policy is to drop (Docker and ufw set it so). */
  readonly droppingForward?: readonly string[]
}

/**
 * Steps from what is there to the network with all of its nodes. Safe to repeat: what exists is set again to the same values, except
 * that a cut node stays cut. Nodes that are on the machine and not in `network` stay.
 */
export const planTopology = (network: ClusterNetwork, machine: Machine): Step[] => [
  ...hostSteps(network, machine),
  ...network.nodes.flatMap((node) => nodeSteps(network, node, machine)),
]

/** Routes for the whole ranges end at the bridge, so that what is for nobody dies there and does not follow the default route. */
const hostSteps = (network: ClusterNetwork, machine: Machine): Step[] => {
  const { bridge, ranges, nodes } = network
  const [, prefix = ''] = ranges.links.split('/')
  const first = nodes.find((node) => node.number === 1)
  const others = nodes.filter((node) => node.number !== 1)
  return [
    sysctls(),
    { do: 'nft', text: edgeRules(network) },
    ...forwardRules(network.cluster).flatMap((rule): Step[] => {
      const known = machine.droppingForward
      return known === undefined || known.includes(`-A ${rule}`) ? [] : [{ do: 'run', argv: ['iptables', '-I', ...rule.split(' ')] }]
    }),
    {
      do: 'ip',
      lines: [
        // An address of its own: otherwise it changes with the ports, and the nodes would talk to one that is gone.
        ...(machine.links.has(bridge) ? [] : [`link add ${bridge} address ${macOf(bridge)} type bridge`]),
        ...(first === undefined ? [] : [`address replace ${first.address}/${prefix} dev ${bridge}`]),
        `address replace ${network.dnsAddress}/32 dev ${bridge}`,
        `link set ${bridge} up`,
        ...[ranges.pods, ranges.services].map(
          (range) => `route replace ${range} dev ${bridge}${first === undefined ? '' : ` src ${first.address}`}`,
        ),
        ...others.map((node) => `route replace ${node.podRange} via ${node.address} dev ${bridge}`),
      ],
    },
  ]
}

const nodeSteps = (network: ClusterNetwork, node: NodeNetwork, machine: Machine): Step[] => {
  const { netns, link } = node
  if (netns === undefined || link === undefined) return []
  const [, prefix = ''] = network.ranges.links.split('/')
  const first = network.nodes.find((one) => one.number === 1)
  const others = network.nodes.filter((one) => one !== node)
  return [
    ...(machine.namespaces.get(netns) ? [] : [{ do: 'namespace', path: netns } as const]),
    ...(machine.links.has(link)
      ? []
      : [
          {
            do: 'ip',
            lines: [`link add ${link} type veth peer name eth0 netns ${netns}`, `link set ${link} master ${network.bridge} up`],
          } as const,
        ]),
    sysctls(netns),
    {
      do: 'ip',
      netns,
      lines: [
        'link set lo up',
        `address replace ${network.dnsAddress}/32 dev lo`,
        `address replace ${node.address}/${prefix} dev eth0`,
        'link set eth0 up',
        ...(first === undefined ? [] : [`route replace default via ${first.address}`]),
        ...[network.ranges.pods, network.ranges.services].map((range) => `route replace ${range} dev eth0 src ${node.address}`),
        ...others.map((one) => `route replace ${one.podRange} via ${one.address} dev eth0`),
      ],
    },
  ]
}

/** Pods of one bridge talk through a ClusterIP only if bridged packets pass the rules too; node ports on 127.0.0.1 need route_localnet. */
const sysctls = (netns?: string): Step => ({
  do: 'sysctl',
  ...(netns !== undefined && { netns }),
  settings: ['net/ipv4/ip_forward=1', 'net/ipv4/conf/all/route_localnet=1'],
  optional: ['net/bridge/bridge-nf-call-iptables=1'],
})

/** Only used where the policy is to drop; written as `iptables -S` prints them, so that they are found again. */
const forwardRules = (cluster: string): string[] =>
  bridgesOf(cluster).flatMap((name) => [`FORWARD -i ${name} -j ACCEPT`, `FORWARD -o ${name} -j ACCEPT`])

/** Locally administered, the same for the same name. */
const macOf = (name: string): string =>
  `02:${createHash('sha256')
    .update(name)
    .digest('hex')
    .slice(0, 10)
    .replace(/(..)(?=.)/g, '$1:')}`

/** Takes one node away and leaves the others. Not for node 1, which is the host. */
export const planNodeRemoval = (node: NodeNetwork, network: ClusterNetwork, machine: Machine): Step[] => {
  const { link, netns } = node
  if (link === undefined || netns === undefined) return []
  return [
    ...(machine.links.has(link)
      ? [{ do: 'ip', lines: [`link delete ${link}`, `route flush exact ${node.podRange} dev ${network.bridge}`] } as const]
      : []),
    ...(machine.namespaces.has(netns) ? [{ do: 'drop-namespace', path: netns } as const] : []),
  ]
}

/** Everything that a cluster of this name has on the machine, found by name: nothing else needs to be known. Routes go with the bridge. */
export const planRemoval = (cluster: string, machine: Machine): Step[] => {
  const bridges = bridgesOf(cluster)
  const links = [...machine.links].filter((name) => bridges.includes(name) || name.startsWith(linkPrefix(cluster))).sort()
  const tables = [edgeTable(cluster), cutTable(cluster), serviceTable(cluster)].filter((name) => machine.tables.has(name))
  const rules = forwardRules(cluster).filter((rule) => machine.droppingForward?.includes(`-A ${rule}`))
  const files = [...machine.namespaces.keys()]
    .filter((path) => path.slice(path.lastIndexOf('/') + 1).startsWith(namespacePrefix(cluster)))
    .sort()
  return [
    ...(tables.length > 0 ? [{ do: 'nft', text: tables.map(removeTable).join('') } as const] : []),
    ...rules.map((rule) => ({ do: 'run', argv: ['iptables', '-D', ...rule.split(' ')] }) as const),
    ...(links.length > 0 ? [{ do: 'ip', lines: links.map((name) => `link delete ${name}`) } as const] : []),
    ...files.map((path) => ({ do: 'drop-namespace', path }) as const),
  ]
}

/** Cuts one node's network: a pulled cable, or for the host rules that drop. The API is on the host, so cutting node 1 cuts all from it. */
export const planCut = (network: ClusterNetwork, node: NodeNetwork): Step[] =>
  node.link === undefined ? [{ do: 'nft', text: cutRules(network, node) }] : [{ do: 'ip', lines: [`link set ${node.link} down`] }]

export const planMend = (network: ClusterNetwork, node: NodeNetwork): Step[] =>
  node.link === undefined
    ? [{ do: 'nft', text: removeTable(cutTable(network.cluster)) }]
    : [{ do: 'ip', lines: [`link set ${node.link} up`] }]
