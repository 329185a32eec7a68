import { isJsonArray, isJsonObject, type Json, type JsonObject, sameJson } from '../json/value.ts'
import { addPath, type FieldSet, isEmptySet, type OpenSet, openSet, withoutBelow } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { elementOf, fieldsOf, fieldValue, type KeyedList, type Typed, type TypedObject, typeFor, typeOfKey } from './typed.ts'

export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

interface Open {
  readonly added: OpenSet
  readonly modified: OpenSet
  readonly removed: OpenSet
}

/** Which fields a change from `old` to `next` adds, modifies and removes, containers included. */
export const compareFields = (type: Typed, old: Json, next: Json): Comparison => {
  const open: Open = { added: openSet(), modified: openSet(), removed: openSet() }
  compare(open, type, old, next, [])
  return open
}

export const isSame = ({ added, modified, removed }: Comparison): boolean =>
  isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)

export const comparisonWithout = (comparison: Comparison, ignored: FieldSet): Comparison =>
  isEmptySet(ignored)
    ? comparison
    : {
        added: withoutBelow(comparison.added, ignored),
        modified: withoutBelow(comparison.modified, ignored),
        removed: withoutBelow(comparison.removed, ignored),
      }

type Side = Json | undefined

const compare = (open: Open, given: Typed, old: Side, next: Side, path: readonly string[]): void => {
  if (old === next && old !== undefined) return
  const type = typeFor(given, next === undefined || next === null ? old : next)
  const inside = isLeaf(type, old, next) || (given.is === 'free' && differInForm(old, next)) ? undefined : type
  if (!inside) {
    if (old === undefined) addPath(open.added, path)
    else if (next === undefined) addPath(open.removed, path)
    else if (!sameJson(old, next)) addPath(open.modified, path)
    return
  }
  if (inside.is === 'object') compareObjects(open, inside, old, next, path)
  else if (inside.is === 'keyed' || inside.is === 'set') compareLists(open, inside, old, next, path)
  if (old === undefined) addPath(open.added, path)
  else if (next === undefined) addPath(open.removed, path)
}

const differInForm = (old: Side, next: Side): boolean =>
  old !== undefined && next !== undefined && old !== null && next !== null && isJsonObject(old) !== isJsonObject(next)

const isLeaf = (type: Typed, old: Side, next: Side): boolean => {
  switch (type.is) {
    case 'object':
      return isBare(type, old) && isBare(type, next)
    case 'keyed':
    case 'set':
      return isBareList(old) && isBareList(next)
    default:
      return true
  }
}
const isBare = (type: TypedObject, value: Side): boolean => !isJsonObject(value) || fieldsOf(type, value).length === 0
const isBareList = (value: Side): boolean => !isJsonArray(value) || value.length === 0

const compareObjects = (open: Open, type: TypedObject, old: Side, next: Side, path: readonly string[]): void => {
  const before: JsonObject | undefined = isJsonObject(old) ? old : undefined
  const after: JsonObject | undefined = isJsonObject(next) ? next : undefined
  const one = (name: string) => {
    const inner = typeOfKey(type, name)
    if (!inner) return
    const a = before && fieldValue(type, before, name)
    const b = after && fieldValue(type, after, name)
    if (a !== undefined || b !== undefined) compare(open, inner, a, b, [...path, fieldElement(name)])
  }
  if (before) for (const name of fieldsOf(type, before)) one(name)
  if (after) for (const name of fieldsOf(type, after)) if (!before || fieldValue(type, before, name) === undefined) one(name)
}

const compareLists = (
  open: Open,
  type: KeyedList | { readonly is: 'set'; readonly items: Typed },
  old: Side,
  next: Side,
  path: readonly string[],
): void => {
  const before = byElement(type, old)
  const after = byElement(type, next)
  for (const element of new Set([...before.keys(), ...after.keys()])) {
    const a = before.get(element)
    const b = after.get(element)
    const at = [...path, element]
    const [many, manyNext] = [(a?.length ?? 0) > 1, (b?.length ?? 0) > 1]
    if (!many && !manyNext) compare(open, type.items, a?.[0], b?.[0], at)
    // Elements that share a key have no identity: together they are one leaf, and one of them alone is another thing than they were.
    else if (many && manyNext) {
      if (!sameJson(a as Json[], b as Json[])) addPath(open.modified, at)
    } else if (many) {
      if (b) compare(open, type.items, undefined, b[0], at)
      addPath(open.removed, at)
    } else {
      if (a) compare(open, type.items, a[0], undefined, at)
      addPath(open.added, at)
    }
  }
}

const byElement = (type: KeyedList | { readonly is: 'set' }, list: Side): Map<string, Json[]> => {
  const found = new Map<string, Json[]>()
  if (!isJsonArray(list)) return found
  for (const item of list) {
    const element = elementOf(type, item)
    const held = found.get(element)
    if (held) held.push(item)
    else found.set(element, [item])
  }
  return found
}
