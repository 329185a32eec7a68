import { isJsonArray, isJsonObject, type Json, type JsonObject, sameJson } from '../json/value.ts'
import { type FieldSet, heldBelow, hold, isEmptySet, type Place, placeBelow, withoutBelow } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { elementOf, fieldsOf, fieldValue, type KeyedList, type Typed, type TypedObject, typeFor, typeOfKey } from './typed.ts'

export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

// The sets of one walk.
const added = 0
const modified = 1
const removed = 2

/** Which fields a change from `old` to `next` adds, modifies and removes, containers included. */
export const compareFields = (type: Typed, old: Json, next: Json): Comparison => {
  const top = placeBelow(undefined, '')
  compare(type, old, next, top, '')
  return { added: heldBelow(top, added), modified: heldBelow(top, modified), removed: heldBelow(top, removed) }
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

const compare = (given: Typed, old: Side, next: Side, above: Place, element: string): void => {
  if (old === next && old !== undefined) return
  const type = typeFor(given, next === undefined || next === null ? old : next)
  const inside = isLeaf(type, old, next) || (given.is === 'free' && differInForm(old, next)) ? undefined : type
  if (inside) {
    const place = placeBelow(above, element)
    if (inside.is === 'object') compareObjects(inside, old, next, place)
    else if (inside.is === 'keyed' || inside.is === 'set') compareLists(inside, old, next, place)
  }
  if (old === undefined) hold(above, element, added)
  else if (next === undefined) hold(above, element, removed)
  else if (!inside && !sameJson(old, next)) hold(above, element, modified)
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

const compareObjects = (type: TypedObject, old: Side, next: Side, place: Place): void => {
  const before: JsonObject | undefined = isJsonObject(old) ? old : undefined
  const after: JsonObject | undefined = isJsonObject(next) ? next : undefined
  const one = (name: string) => {
    const inner = typeOfKey(type, name)
    if (!inner) return
    const a = before && fieldValue(type, before, name)
    const b = after && fieldValue(type, after, name)
    if (a !== undefined || b !== undefined) compare(inner, a, b, place, fieldElement(name))
  }
  if (before) for (const name of fieldsOf(type, before)) one(name)
  if (after) for (const name of fieldsOf(type, after)) if (!before || fieldValue(type, before, name) === undefined) one(name)
}

const compareLists = (type: KeyedList | { readonly is: 'set'; readonly items: Typed }, old: Side, next: Side, place: Place): void => {
  const before = byElement(type, old)
  const after = byElement(type, next)
  for (const element of eitherOf(before, after)) {
    const a = before.get(element)
    const b = after.get(element)
    const [many, manyNext] = [(a?.length ?? 0) > 1, (b?.length ?? 0) > 1]
    if (!many && !manyNext) compare(type.items, a?.[0], b?.[0], place, element)
    // Elements that share a key have no identity: together they are one leaf, and one of them alone is another thing than they were.
    else if (many && manyNext) {
      if (!sameJson(a as Json[], b as Json[])) hold(place, element, modified)
    } else if (many) {
      if (b) compare(type.items, undefined, b[0], place, element)
      hold(place, element, removed)
    } else {
      if (a) compare(type.items, a[0], undefined, place, element)
      hold(place, element, added)
    }
  }
}

function* eitherOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Generator<string> {
  yield* before.keys()
  for (const element of after.keys()) if (!before.has(element)) yield element
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
