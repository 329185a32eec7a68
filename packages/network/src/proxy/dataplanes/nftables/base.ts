import { digest, type TableOptions } from './table.ts'

/** A mark of one bit, set on a packet that must leave with this node's address; cleared when that is done. */
const MASQUERADE_MARK = '0x4000'
/** The chain whose comment names the version of the fixed part. */
export const VERSION_CHAIN = 'mark-for-masquerade'

/**
 * The fixed part of a node's table: hooks, maps, sets. Order matters within a chain. Filters on the way out run after the
 * destination was translated (-90 against -100), so that only what no service took is refused.
 */
export const baseRules = (options: TableOptions): string[] => {
  const lines = [...mapsAndSets(options), ...chains(options)]
  const table = `${options.family} ${options.name}`
  const stamped = [...lines, `rule ${VERSION_CHAIN} meta mark set meta mark | ${MASQUERADE_MARK} comment "${baseVersion(options)}"`]
  return [`add table ${table}`, ...stamped.map((line) => line.replace(/^(\w+) /, `add $1 ${table} `))]
}

/** The comment that tells a table made by this version with these options from any other. */
export const baseVersion = (options: TableOptions): string => digest([...mapsAndSets(options), ...chains(options)])

const mapsAndSets = ({ family }: TableOptions): string[] => {
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'
  const full = `${address} . inet_proto . inet_service : verdict`
  return [
    `map service-ips { type ${full}; }`,
    'map service-nodeports { type inet_proto . inet_service : verdict; }',
    `map no-endpoint-services { type ${full}; }`,
    'map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }',
    `map firewall-ips { type ${full}; }`,
    `set cluster-ips { type ${address}; }`,
    `set hairpin { type ${address} . ${address}; }`,
  ]
}

const chains = (options: TableOptions): string[] => [
  `chain ${VERSION_CHAIN}`,
  'chain reject-all',
  'rule reject-all reject',
  ...translation(options),
  ...refusal(options),
  ...masquerade(options),
]

const translation = ({ family, podRange }: TableOptions): string[] => [
  'chain services',
  `rule services ${family} daddr @cluster-ips ${family} saddr != ${podRange} jump ${VERSION_CHAIN}`,
  `rule services ${family} daddr . meta l4proto . th dport vmap @service-ips`,
  'rule services fib daddr type local meta l4proto . th dport vmap @service-nodeports',
  'chain nat-prerouting { type nat hook prerouting priority -100; }',
  'rule nat-prerouting jump services',
  'chain nat-output { type nat hook output priority -100; }',
  'rule nat-output jump services',
]

/** The node's own addresses stay reachable although they may lie in the service range: the DNS server has one there. */
const refusal = ({ family, serviceRange }: TableOptions): string[] => [
  'chain firewall { type filter hook prerouting priority -110; }',
  `rule firewall ct state new ${family} daddr . meta l4proto . th dport vmap @firewall-ips`,
  'chain unserved',
  `rule unserved ${family} daddr . meta l4proto . th dport vmap @no-endpoint-services`,
  'rule unserved fib daddr type local meta l4proto . th dport vmap @no-endpoint-nodeports',
  `rule unserved ${family} daddr @cluster-ips reject`,
  `rule unserved ${family} daddr ${serviceRange} fib daddr type != local drop`,
  'chain filter-input { type filter hook input priority -110; }',
  'rule filter-input ct state new jump unserved',
  'chain filter-forward { type filter hook forward priority -110; }',
  'rule filter-forward ct state new jump unserved',
  'chain filter-output { type filter hook output priority -90; }',
  'rule filter-output ct state new jump unserved',
]

/**
 * A pod that reaches itself through its service must see another source than itself. And since a node port on 127.0.0.1 needs
 * route_localnet, packets from outside that claim such a destination are dropped before connection tracking sees them.
 */
const masquerade = ({ family }: TableOptions): string[] => [
  'chain nat-postrouting { type nat hook postrouting priority 100; }',
  `rule nat-postrouting ct status dnat ${family} saddr . ${family} daddr @hairpin masquerade fully-random`,
  `rule nat-postrouting meta mark & ${MASQUERADE_MARK} == 0 return`,
  `rule nat-postrouting meta mark set meta mark ^ ${MASQUERADE_MARK}`,
  'rule nat-postrouting masquerade fully-random',
  ...(family === 'ip'
    ? ['chain martians { type filter hook prerouting priority -300; }', 'rule martians iif != lo ip daddr 127.0.0.0/8 drop']
    : []),
]
