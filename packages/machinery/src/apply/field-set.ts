import type { Json, JsonObject } from '../json/value.ts'
import { readPathElement, sortPathElements } from './path-element.ts'

/**
 * Which fields of an object somebody holds: a tree by path element (`f:name`, `k:{"name":"a"}`, `v:1`, `i:0`). `owned` says that the
 * place itself is held, `inner` what is held below it. Sets are never changed once they are handed on.
 */
export interface FieldSet {
  readonly owned: boolean
  readonly inner: ReadonlyMap<string, FieldSet>
}

const nothing: ReadonlyMap<string, FieldSet> = new Map()
const leaf: FieldSet = { owned: true, inner: nothing }
export const noFields: FieldSet = { owned: false, inner: nothing }

export const isEmptySet = (set: FieldSet): boolean => !set.owned && set.inner.size === 0

/** A set under construction. */
export interface OpenSet {
  owned: boolean
  inner: Map<string, OpenSet>
}
export const openSet = (): OpenSet => ({ owned: false, inner: new Map() })

/** Adds a path; the empty one is no field. */
export const addPath = (set: OpenSet, path: readonly string[]): void => {
  if (path.length === 0) return
  let at = set
  for (const element of path) {
    let next = at.inner.get(element)
    if (!next) {
      next = openSet()
      at.inner.set(element, next)
    }
    at = next
  }
  at.owned = true
}

/**
 * A place within a value while it is walked, with the sets under construction (of one walk there may be several) as far as they are
 * open there. Sets open when something is held: most places of a comparison are in none of them.
 */
export interface Place {
  readonly above: Place | undefined
  readonly element: string
  readonly sets: (OpenSet | undefined)[]
}
export const placeBelow = (above: Place | undefined, element: string): Place => ({ above, element, sets: [] })

/** Holds an element of a place in one of its sets. */
export const hold = (place: Place, element: string, which = 0): void => {
  const { inner } = openAt(place, which)
  const held = inner.get(element)
  if (!held) inner.set(element, leaf as OpenSet)
  else if (!held.owned) held.owned = true
}

const openAt = (place: Place, which: number): OpenSet => {
  const open = place.sets[which]
  if (open) return open
  const made = place.above ? openElement(openAt(place.above, which), place.element) : openSet()
  place.sets[which] = made
  return made
}

const openElement = ({ inner }: OpenSet, element: string): OpenSet => {
  const held = inner.get(element)
  if (held && held !== leaf) return held
  const made: OpenSet = { owned: held !== undefined, inner: new Map() }
  inner.set(element, made)
  return made
}

/** What a walk that began at the one element below `top` holds; the whole value is no field. */
export const heldBelow = (top: Place, which = 0): FieldSet => {
  const whole = top.sets[which]?.inner.get(top.element)
  return combined(false, whole?.inner ?? nothing)
}

export const setOf = (...paths: readonly (readonly string[])[]): FieldSet => {
  const set = openSet()
  for (const path of paths) addPath(set, path)
  return set
}

const combined = (owned: boolean, inner: ReadonlyMap<string, FieldSet>): FieldSet =>
  inner.size > 0 ? { owned, inner } : owned ? leaf : noFields

export const unite = (a: FieldSet, b: FieldSet): FieldSet => {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  const inner = new Map(a.inner)
  for (const [element, each] of b.inner) {
    const held = inner.get(element)
    inner.set(element, held ? unite(held, each) : each)
  }
  return combined(a.owned || b.owned, inner)
}

/** What `a` holds and `b` does not; a place that b holds takes nothing from below it. */
export const without = (a: FieldSet, b: FieldSet): FieldSet => {
  if (isEmptySet(b)) return a
  return chosen(a, (element, each) => {
    const taken = b.inner.get(element)
    return taken ? withOwned(without(each, taken), each.owned && !taken.owned) : each
  })
}

/** As `without`, but a place that b holds takes everything below it as well. */
export const withoutBelow = (a: FieldSet, b: FieldSet): FieldSet => {
  if (isEmptySet(b)) return a
  return chosen(a, (element, each) => {
    const taken = b.inner.get(element)
    return taken?.owned ? noFields : taken ? withOwned(withoutBelow(each, taken), each.owned) : each
  })
}

export const intersect = (a: FieldSet, b: FieldSet): FieldSet =>
  chosen(a, (element, each) => {
    const other = b.inner.get(element)
    return other ? withOwned(intersect(each, other), each.owned && other.owned) : noFields
  })

const withOwned = (set: FieldSet, owned: boolean): FieldSet => (set.owned === owned ? set : combined(owned, set.inner))

const chosen = (set: FieldSet, choose: (element: string, each: FieldSet) => FieldSet): FieldSet => {
  const inner = new Map<string, FieldSet>()
  let same = true
  for (const [element, each] of set.inner) {
    const next = choose(element, each)
    if (next !== each) same = false
    if (!isEmptySet(next)) inner.set(element, next)
  }
  return same ? set : combined(set.owned, inner)
}

export const sameFields = (a: FieldSet, b: FieldSet): boolean => {
  if (a === b) return true
  if (a.owned !== b.owned || a.inner.size !== b.inner.size) return false
  for (const [element, each] of a.inner) {
    const other = b.inner.get(element)
    if (!other || !sameFields(each, other)) return false
  }
  return true
}

/** The owned paths in upstream's order: what is held directly at a level, then what lies below it. */
export function* pathsOf(set: FieldSet, above: readonly string[] = []): Generator<readonly string[]> {
  const elements = sortedElements(set)
  for (const element of elements) if (set.inner.get(element)?.owned) yield [...above, element]
  for (const element of elements) yield* pathsOf(set.inner.get(element) as FieldSet, [...above, element])
}

const sortedElements = (set: FieldSet): string[] => {
  const elements = [...set.inner.keys()]
  return elements.length < 2 ? elements : sortPathElements(elements)
}

const noWire: JsonObject = Object.freeze({})

/** The wire form: {} for a field that is held with nothing below it, "." where there is more. */
export const encodeFields = (set: FieldSet): JsonObject => {
  // Most places are leaves: they are one object.
  if (set.inner.size === 0) return noWire
  const out: Record<string, Json> = {}
  if (set.owned) out['.'] = noWire
  for (const element of sortedElements(set)) out[element] = encodeFields(set.inner.get(element) as FieldSet)
  return out
}

/** Reads the wire form; throws an Error for a path element that is none. */
export const decodeFields = (fields: JsonObject): FieldSet => decodeInner(fields, false)

const decodeInner = (fields: JsonObject, owned: boolean): FieldSet => {
  const inner = new Map<string, FieldSet>()
  let here = owned
  for (const key of Object.keys(fields)) {
    if (key === '.') here = true
    else {
      const value = fields[key] as JsonObject
      inner.set(readPathElement(key), Object.keys(value ?? {}).length === 0 ? leaf : decodeInner(value, false))
    }
  }
  return combined(here, inner)
}
