import { bridgesOf, type ClusterNetwork, cutTable, edgeTable, type NodeNetwork } from './network.ts'

/**
 * The host's rules at the cluster's border, made anew as a whole. Traffic of pods and nodes that leaves the cluster takes the host's
 * address. Another Skiff cluster of this machine gets in only where everybody does, through the host's own addresses and node ports.
 */
export const edgeRules = (network: ClusterNetwork): string => {
  const { pods, services, links } = network.ranges
  const own = `{ ${bridgesOf(network.cluster)
    .map((name) => `"${name}"`)
    .join(', ')} }`
  const inside = `{ ${pods}, ${services}, ${links} }`
  return replaceTable(edgeTable(network.cluster), [
    'chain leave { type nat hook postrouting priority 100; }',
    'rule leave ip daddr 224.0.0.0/4 return',
    `rule leave ip saddr { ${pods}, ${links} } ip daddr != ${inside} masquerade fully-random`,
    'chain enter { type filter hook forward priority -5; }',
    `rule enter iifname ${own} return`,
    `rule enter iifname "skiff-*" oifname ${own} ct original ip daddr ${inside} drop`,
    'chain host { type filter hook input priority -5; }',
    `rule host iifname ${own} return`,
    `rule host iifname "skiff-*" ip daddr ${inside} drop`,
  ])
}

/**
 * Cuts the host, as node 1, from the other nodes, which still reach each other: what comes over the bridge for it is dropped, and
 * what it would send after its address was translated.
 */
export const cutRules = (network: ClusterNetwork, node: NodeNetwork): string =>
  replaceTable(cutTable(network.cluster), [
    'chain in { type filter hook prerouting priority -200; }',
    `rule in iifname "${network.bridge}" ip daddr { ${node.address}, ${node.podRange} } drop`,
    'chain out { type filter hook postrouting priority 200; }',
    `rule out oifname "${network.bridge}" ip saddr { ${node.address}, ${node.podRange} } drop`,
  ])

/** Adding first makes the delete succeed when there is no such table. */
export const removeTable = (name: string): string => `add table ip ${name}\ndelete table ip ${name}\n`

const replaceTable = (name: string, lines: readonly string[]): string =>
  `${removeTable(name)}add table ip ${name}\n${lines.map((line) => line.replace(/^(\w+) /, `add $1 ip ${name} `)).join('\n')}\n`
