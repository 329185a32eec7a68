import { isJsonArray, isJsonObject, type Json } from '../json/value.ts'
import { type FieldSet, heldBelow, hold, type Place, placeBelow } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { elementOf, type Typed, typeFor, typeOfKey } from './typed.ts'

/**
 * The fields that a configuration names: what its applier holds. Named containers are not held themselves unless there is nothing in
 * them, keys of maps and elements of lists are. Fields that are only implied are not named.
 */
export const collectFields = (type: Typed, value: Json): FieldSet => {
  const top = placeBelow(undefined, '')
  collect(type, value, top, '')
  return heldBelow(top)
}

/** Null or a map without keys: whoever names it holds the field itself, since there is nothing below it to hold. */
const isNothing = (value: Json): boolean => value === null || (isJsonObject(value) && Object.keys(value).length === 0)

const collect = (given: Typed, value: Json, above: Place, element: string): void => {
  const type = typeFor(given, value)
  switch (type.is) {
    case 'scalar':
    case 'atomic':
      hold(above, element)
      return
    case 'object': {
      if (!isJsonObject(value)) return
      const place = placeBelow(above, element)
      for (const name of Object.keys(value)) {
        const inner = typeOfKey(type, name)
        if (!inner) continue
        const at = fieldElement(name)
        const field = value[name] as Json
        collect(inner, field, place, at)
        if (isNothing(field) || !type.named(name)) hold(place, at)
      }
      return
    }
    case 'keyed':
    case 'set': {
      if (!isJsonArray(value)) return
      const place = placeBelow(above, element)
      for (const item of value) {
        const at = elementOf(type, item)
        collect(type.items, item, place, at)
        hold(place, at)
      }
    }
  }
}
