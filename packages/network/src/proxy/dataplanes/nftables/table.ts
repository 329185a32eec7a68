import { createHash } from 'node:crypto'
import type { Family } from '../../route.ts'

/**
 * One named thing in the table that changes with services. `value` decides equality: a chain's is the digest of its rules (kept as
 * the comment of its last rule, so that the kernel's table can be compared too), an element's is its verdict, a set's its type.
 */
export type Entry =
  | { readonly kind: 'chain'; readonly name: string; readonly rules: readonly string[]; readonly value: string }
  | { readonly kind: 'set'; readonly name: string; readonly value: string }
  | { readonly kind: 'element'; readonly of: MapName | SetName; readonly key: string; readonly value: string }

/** The maps and sets that every table has. */
export const MAPS = ['service-ips', 'service-nodeports', 'no-endpoint-services', 'no-endpoint-nodeports', 'firewall-ips'] as const
export const SETS = ['cluster-ips', 'hairpin'] as const
export type MapName = (typeof MAPS)[number]
export type SetName = (typeof SETS)[number]

/** What a table holds, by entry id. A chain that was read back from the kernel has a value but no rules. */
export type Table = ReadonlyMap<string, Entry>

export interface TableOptions {
  /** The table's name; one per node (or per cluster, where nodes share a host). */
  readonly name: string
  readonly family: Family
  /** Sources inside it are the cluster's own pods: they keep their address towards a ClusterIP. */
  readonly podRange: string
  /** Cluster addresses nobody holds are dropped. */
  readonly serviceRange: string
}

export const entryId = (entry: Entry): string => (entry.kind === 'element' ? `${entry.of} ${entry.key}` : `${entry.kind} ${entry.name}`)

/** Entries by id. Of two under one id (an address that stands in two fields of a service) the first counts. */
export const indexEntries = (entries: Iterable<Entry>): Map<string, Entry> => {
  const table = new Map<string, Entry>()
  for (const entry of entries) {
    const id = entryId(entry)
    if (!table.has(id)) table.set(id, entry)
  }
  return table
}

export const chain = (name: string, rules: readonly string[]): Entry => ({ kind: 'chain', name, rules, value: digest(rules) })

export const element = (of: MapName | SetName, key: string, verdict = ''): Entry => ({ kind: 'element', of, key, value: verdict })

/** Short enough to read, long enough that two rule lists do not meet. */
export const digest = (lines: readonly string[]): string => createHash('sha1').update(lines.join('\n')).digest('hex').slice(0, 16)
