import { isJsonArray, isJsonObject, type Json } from '../json/value.ts'
import { addPath, type FieldSet, type OpenSet, openSet } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { elementOf, type Typed, typeFor, typeOfKey } from './typed.ts'

/**
 * The fields that a configuration names: what its applier holds. Named containers are not held themselves unless there is nothing in
 * them, keys of maps and elements of lists are. Fields that are only implied are not named.
 */
export const collectFields = (type: Typed, value: Json): FieldSet => {
  const set = openSet()
  collect(set, type, value, [])
  return set
}

/** Null or a map without keys: whoever names it holds the field itself, since there is nothing below it to hold. */
const isNothing = (value: Json): boolean => value === null || (isJsonObject(value) && Object.keys(value).length === 0)

const collect = (set: OpenSet, given: Typed, value: Json, path: readonly string[]): void => {
  const type = typeFor(given, value)
  switch (type.is) {
    case 'scalar':
    case 'atomic':
      addPath(set, path)
      return
    case 'object': {
      if (!isJsonObject(value)) return
      for (const name of Object.keys(value)) {
        const inner = typeOfKey(type, name)
        if (!inner) continue
        const at = [...path, fieldElement(name)]
        const field = value[name] as Json
        collect(set, inner, field, at)
        if (isNothing(field) || !type.named(name)) addPath(set, at)
      }
      return
    }
    case 'keyed':
    case 'set': {
      if (!isJsonArray(value)) return
      for (const item of value) {
        const at = [...path, elementOf(type, item)]
        collect(set, type.items, item, at)
        addPath(set, at)
      }
    }
  }
}
