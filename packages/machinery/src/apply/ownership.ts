import type { Json } from '../json/value.ts'
import { collectFields } from './collect.ts'
import { type Comparison, compareFields, comparisonWithout, isSame } from './compare.ts'
import { type FieldSet, intersect, isEmptySet, noFields, pathsOf, unite, without, withoutBelow } from './field-set.ts'
import { mergeConfiguration } from './merge.ts'
import { removeFields, withNamedContainers } from './remove.ts'
import type { Typed } from './typed.ts'

/** What one manager holds, in the version it wrote. */
export interface Holding {
  readonly apiVersion: string
  readonly fields: FieldSet
  readonly applied: boolean
}
/** By manager. */
export type Holdings = ReadonlyMap<string, Holding>

/** What is known of an object's versions. */
export interface Versions {
  /** Undefined for a version that is served no more: what was held in it is forgotten. */
  typeOf(apiVersion: string): Typed | undefined
  convert(value: Json, from: string, to: string): Json
  /** Fields that a write of this kind never changes, so that nobody comes to hold them by it. */
  ignored(apiVersion: string): FieldSet
}

export interface Conflict {
  readonly manager: string
  readonly path: readonly string[]
}

/** Thrown when a configuration would change what others hold. */
export class ApplyConflicts extends Error {
  readonly conflicts: readonly Conflict[]
  constructor(conflicts: readonly Conflict[]) {
    super(`${conflicts.length} conflicts`)
    this.conflicts = conflicts
  }
}

export interface Change {
  readonly versions: Versions
  /** Of `old` and `next`. */
  readonly apiVersion: string
  readonly holdings: Holdings
  readonly manager: string
}

/** Who holds what after a plain write from `old` to `next`: the writer takes what it changed. */
export const holdingsAfterUpdate = (change: Change, old: Json, next: Json): Holdings => {
  const { versions, apiVersion, manager } = change
  const { holdings, comparison } = takeFromOthers(change, change.holdings, old, next, true)
  const { added, modified, removed } = comparison
  const held = holdings.get(manager)?.fields ?? noFields
  const fields = withoutBelow(without(unite(unite(held, modified), added), removed), versions.ignored(apiVersion))
  return withHolding(holdings, manager, { apiVersion, fields, applied: false })
}

export interface Applied {
  /** Undefined where the configuration changes nothing. */
  readonly object: Json | undefined
  readonly holdings: Holdings
}

/** Lays a configuration over the live object and takes away what its manager named before and names no more; throws ApplyConflicts. */
export const applyConfiguration = (change: Change, live: Json, configuration: Json, force: boolean): Applied => {
  const { versions, apiVersion, manager } = change
  const type = versions.typeOf(apiVersion) as Typed
  const merged = mergeConfiguration(type, live, configuration) as Json
  const last = change.holdings.get(manager)
  const fields = withoutBelow(collectFields(type, configuration), versions.ignored(apiVersion))
  const managers = new Map(change.holdings).set(manager, { apiVersion, fields, applied: true })
  const pruned = prune(versions, merged, apiVersion, managers, last)
  const { holdings, comparison } = takeFromOthers(change, managers, live, pruned, force)
  return { object: isSame(comparison) ? undefined : pruned, holdings }
}

const withHolding = (holdings: Holdings, manager: string, holding: Holding): Holdings => {
  const next = new Map(holdings)
  if (isEmptySet(holding.fields)) next.delete(manager)
  else next.set(manager, holding)
  return next
}

/** Others lose what the change modifies or removes; unless forced, modifying it is a conflict. */
const takeFromOthers = (
  { versions, apiVersion, manager }: Change,
  before: Holdings,
  old: Json,
  next: Json,
  force: boolean,
): { holdings: Holdings; comparison: Comparison } => {
  const compareIn = (version: string, type: Typed): Comparison =>
    comparisonWithout(
      version === apiVersion
        ? compareFields(type, old, next)
        : compareFields(type, versions.convert(old, apiVersion, version), versions.convert(next, apiVersion, version)),
      versions.ignored(version),
    )
  const comparison = compareIn(apiVersion, versions.typeOf(apiVersion) as Typed)
  const byVersion = new Map([[apiVersion, comparison]])
  const conflicts: Conflict[] = []
  const holdings = new Map<string, Holding>()
  for (const [name, holding] of before) {
    const type = versions.typeOf(holding.apiVersion)
    if (name === manager) holdings.set(name, holding)
    if (name === manager || !type) continue
    const seen = byVersion.get(holding.apiVersion) ?? compareIn(holding.apiVersion, type)
    byVersion.set(holding.apiVersion, seen)
    const taken = intersect(holding.fields, unite(seen.modified, seen.added))
    if (!force) for (const path of pathsOf(taken)) conflicts.push({ manager: name, path })
    const fields = without(without(holding.fields, taken), seen.removed)
    if (!isEmptySet(fields)) holdings.set(name, fields === holding.fields ? holding : { ...holding, fields })
  }
  if (conflicts.length > 0) throw new ApplyConflicts(conflicts)
  if (isEmptySet(holdings.get(manager)?.fields ?? noFields)) holdings.delete(manager)
  return { holdings, comparison }
}

/** Without what the manager's last configuration named, unless this one or another manager names it too. */
const prune = (versions: Versions, merged: Json, apiVersion: string, managers: Holdings, last: Holding | undefined): Json => {
  const type = last && versions.typeOf(last.apiVersion)
  if (!type || isEmptySet(last.fields)) return merged
  const before = versions.convert(merged, apiVersion, last.apiVersion)
  const bare = removeFields(type, before, withNamedContainers(type, last.fields)) ?? {}
  const kept = keepHeld(versions, before, bare, last.apiVersion, managers)
  return versions.convert(keepDangling(type, before, kept, last.fields), last.apiVersion, apiVersion)
}

/** Puts back what somebody holds. */
const keepHeld = (versions: Versions, merged: Json, bare: Json, apiVersion: string, managers: Holdings): Json => {
  const heldIn = new Map<string, FieldSet>()
  for (const holding of managers.values()) heldIn.set(holding.apiVersion, unite(heldIn.get(holding.apiVersion) ?? noFields, holding.fields))
  let kept = bare
  for (const [version, held] of heldIn) {
    const type = versions.typeOf(version)
    if (!type) continue
    const whole = versions.convert(merged, apiVersion, version)
    const sure = unite(fieldsWithContainers(type, versions.convert(kept, apiVersion, version)), withNamedContainers(type, held))
    const left = removeFields(type, whole, without(fieldsWithContainers(type, whole), sure)) ?? {}
    kept = versions.convert(left, version, apiVersion)
  }
  return kept
}

/** Puts back what went only because something around it did, though the manager never named it. */
const keepDangling = (type: Typed, merged: Json, kept: Json, last: FieldSet): Json => {
  const lost = without(fieldsWithContainers(type, merged), fieldsWithContainers(type, kept))
  return removeFields(type, merged, intersect(lost, withNamedContainers(type, last))) ?? {}
}

const fieldsWithContainers = (type: Typed, value: Json): FieldSet => withNamedContainers(type, collectFields(type, value))
