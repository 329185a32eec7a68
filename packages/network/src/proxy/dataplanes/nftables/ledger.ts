import type { Change } from './plan.ts'
import { type Entry, indexEntries, type Table } from './table.ts'

/**
 * What the table shall hold, with who asks for each entry, so that a change of one service costs only that service's entries. An entry
 * that several services ask for (a hairpin pair, the same external address twice) belongs to the first by name, and goes with the last.
 */
export interface Ledger {
  /** Replaces everything that `owner` asks for. */
  set(owner: string, entries: readonly Entry[]): void
  /** The changes since the last take, folded per entry. */
  take(): Change[]
  /** All that the table shall hold. */
  table(): Table
}

export const createLedger = (): Ledger => {
  const asked = new Map<string, ReadonlyMap<string, Entry>>()
  const claims = new Map<string, string[]>()
  const current = new Map<string, Entry>()
  const before = new Map<string, Entry | undefined>()

  const settle = (id: string) => {
    if (!before.has(id)) before.set(id, current.get(id))
    const [winner] = claims.get(id) ?? []
    const entry = winner === undefined ? undefined : asked.get(winner)?.get(id)
    if (entry === undefined) current.delete(id)
    else current.set(id, entry)
  }

  return {
    set(owner, entries) {
      const old = asked.get(owner)
      const next = indexEntries(entries)
      if (next.size === 0) asked.delete(owner)
      else asked.set(owner, next)
      for (const id of next.keys()) if (!old?.has(id)) claim(claims, id, owner)
      for (const id of old?.keys() ?? []) if (!next.has(id)) unclaim(claims, id, owner)
      for (const [id, entry] of next) if (old?.get(id)?.value !== entry.value) settle(id)
      for (const id of old?.keys() ?? []) if (!next.has(id)) settle(id)
    },
    take() {
      const changes = [...before].map(([id, entry]) => ({ before: entry, after: current.get(id) }))
      before.clear()
      return changes.filter((change) => change.before?.value !== change.after?.value)
    },
    table: () => current,
  }
}

const claim = (claims: Map<string, string[]>, id: string, owner: string): void => {
  const owners = claims.get(id)
  if (owners === undefined) claims.set(id, [owner])
  else owners.splice(owners.findLastIndex((one) => one < owner) + 1, 0, owner)
}

const unclaim = (claims: Map<string, string[]>, id: string, owner: string): void => {
  const left = (claims.get(id) ?? []).filter((one) => one !== owner)
  if (left.length === 0) claims.delete(id)
  else claims.set(id, left)
}
