import type { Route } from '../../route.ts'
import { baseRules } from './base.ts'
import { printRoutes } from './print.ts'
import { type Entry, indexEntries, type Table, type TableOptions } from './table.ts'

/** One entry's way from what the table holds to what it shall hold. */
export interface Change {
  readonly before?: Entry
  readonly after?: Entry
}

/**
 * The text for one `nft -f -` that takes a node's table from `before` to `after`; empty when nothing changes. Without `before` the
 * table is made anew, in the same transaction. Pure.
 */
export const planRules = (before: Table | undefined, after: Table, options: TableOptions): string => {
  const table = `${options.family} ${options.name}`
  if (before === undefined) {
    const changes = [...after.values()].map((entry) => ({ after: entry }))
    // Adding first makes the delete succeed when there is no table yet.
    return [`add table ${table}`, `delete table ${table}`, ...baseRules(options), planChanges(changes, options)].join('\n')
  }
  return planChanges(compare(before, after), options)
}

/** The table that routes make, when all of them are printed at once. */
export const tableOf = (routes: Iterable<Route>, options: TableOptions): Table =>
  indexEntries(
    printRoutes(
      [...routes].filter((route) => route.family === options.family),
      options.podRange,
    ),
  )

const compare = (before: Table, after: Table): Change[] => {
  const changes: Change[] = []
  for (const [id, entry] of before) if (after.get(id)?.value !== entry.value) changes.push({ before: entry, after: after.get(id) })
  for (const [id, entry] of after) if (!before.has(id)) changes.push({ after: entry })
  return changes
}

/**
 * Order within the transaction: what is referred to is made first (sets, chains), then rules, then elements; what is referred to goes
 * last. A chain that goes is flushed before, so that its references do not hold others.
 */
export const planChanges = (changes: readonly Change[], { family, name }: TableOptions): string => {
  const table = `${family} ${name}`
  const make: string[] = []
  const flush: string[] = []
  const rules: string[] = []
  const drop: string[] = []
  const lost = new Map<string, string[]>()
  const won = new Map<string, string[]>()
  for (const { before, after } of changes) {
    if (before?.value === after?.value) continue
    if (after !== undefined && before === undefined) make.push(...declaration(after, table))
    if (before?.kind === 'chain') flush.push(`flush chain ${table} ${before.name}`)
    if (after?.kind === 'chain') rules.push(...rulesOf(after, table))
    if (before?.kind === 'element') group(lost, before.of).push(before.key)
    if (after?.kind === 'element') group(won, after.of).push(after.value === '' ? after.key : `${after.key} : ${after.value}`)
    if (after === undefined && before !== undefined && before.kind !== 'element') drop.push(`delete ${before.kind} ${table} ${before.name}`)
  }
  const elements = (verb: string, groups: Map<string, string[]>) =>
    [...groups].map(([of, keys]) => `${verb} element ${table} ${of} { ${keys.join(', ')} }`)
  // Chains before sets: a chain's rules may refer to a set.
  const lines = [...make, ...flush, ...rules, ...elements('delete', lost), ...elements('add', won), ...drop.sort()]
  return lines.map((line) => `${line}\n`).join('')
}

const group = (groups: Map<string, string[]>, of: string): string[] => {
  const found = groups.get(of) ?? []
  groups.set(of, found)
  return found
}

const declaration = (entry: Entry, table: string): string[] => {
  if (entry.kind === 'chain') return [`add chain ${table} ${entry.name}`]
  if (entry.kind === 'set') return [`add set ${table} ${entry.name} { type ${entry.value}; flags dynamic,timeout; }`]
  return []
}

const rulesOf = (entry: Entry & { kind: 'chain' }, table: string): string[] =>
  entry.rules.map((rule, at) => {
    const comment = at === entry.rules.length - 1 ? ` comment "${entry.value}"` : ''
    return `add rule ${table} ${entry.name} ${rule}${comment}`
  })
