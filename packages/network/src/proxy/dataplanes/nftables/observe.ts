import { baseVersion, VERSION_CHAIN } from './base.ts'
import { type Entry, element, entryId, MAPS, type MapName, SETS, type SetName, type Table, type TableOptions } from './table.ts'

/**
 * The kernel's table as entries, from `nft -j list table`. Undefined when it was made by another version or with other options, or is
 * not understood: it is then made anew. Chains come without rules, since their digest tells enough.
 */
export const readTable = (json: string, options: TableOptions): Table | undefined => {
  const table = new Map<string, Entry>()
  const put = (entry: Entry) => table.set(entryId(entry), entry)
  const digests = new Map<string, string>()
  const listed = parse(json)
  if (listed === undefined) return undefined
  for (const item of listed) {
    // The digest is on a chain's last rule, so the last one seen counts; a rule someone appended has none.
    const rule = record(item.rule)
    if (rule !== undefined) digests.set(String(rule.chain), typeof rule.comment === 'string' ? rule.comment : 'changed')
    const map = record(item.map)
    if (map !== undefined) for (const one of elements(map, MAPS)) put(one)
    const set = record(item.set)
    if (set !== undefined) for (const one of elements(set, SETS)) put(one)
    if (set !== undefined && String(set.name).startsWith('aff-')) put({ kind: 'set', name: String(set.name), value: String(set.type) })
  }
  if (digests.get(VERSION_CHAIN) !== baseVersion(options)) return undefined
  for (const item of listed) {
    const name = record(item.chain)?.name
    if (typeof name === 'string' && /^(svc|loc|ext|ep|fw)-/.test(name))
      put({ kind: 'chain', name, rules: [], value: digests.get(name) ?? '' })
  }
  return table
}

type Json = Record<string, unknown>

const record = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined

const parse = (json: string): Json[] | undefined => {
  try {
    const list = record(JSON.parse(json))?.nftables
    return Array.isArray(list) ? list.map((item) => record(item) ?? {}) : undefined
  } catch {
    return undefined
  }
}

const elements = (of: Json, known: readonly string[]): Entry[] => {
  const name = String(of.name)
  if (!known.includes(name) || !Array.isArray(of.elem)) return []
  return of.elem.map((one: unknown) =>
    Array.isArray(one) ? element(name as MapName, keyText(one[0]), verdictText(one[1])) : element(name as SetName, keyText(one)),
  )
}

/** nft prints protocol numbers where the machine has no /etc/protocols. */
const PROTOCOL_NAMES: Record<number, string> = { 6: 'tcp', 17: 'udp', 132: 'sctp' }

const keyText = (key: unknown): string => {
  const inner = record(record(key)?.elem)?.val ?? key
  const parts = record(inner)?.concat
  if (!Array.isArray(parts)) return String(inner)
  const protocolAt = parts.length - 2
  return parts.map((part, at) => (at === protocolAt && typeof part === 'number' ? (PROTOCOL_NAMES[part] ?? part) : part)).join(' . ')
}

const verdictText = (verdict: unknown): string => {
  const [kind = '', value] = Object.entries(record(verdict) ?? {})[0] ?? []
  const target = record(value)?.target
  return typeof target === 'string' ? `${kind} ${target}` : kind
}
