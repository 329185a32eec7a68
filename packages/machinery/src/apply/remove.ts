import { isJsonArray, isJsonObject, type Json, putKey } from '../json/value.ts'
import { type FieldSet, isEmptySet } from './field-set.ts'
import { fieldElement } from './path-element.ts'
import { elementOf, type Typed, typeFor, typeOfKey } from './typed.ts'

/** The value without the places that `gone` holds. A container that loses everything goes as well. */
export const removeFields = (type: Typed, value: Json, gone: FieldSet): Json | undefined => {
  if (isEmptySet(gone)) return value
  const form = typeFor(type, value)
  if (form.is === 'object' && isJsonObject(value)) {
    const out: Record<string, Json> = {}
    for (const name of Object.keys(value)) {
      const held = gone.inner.get(fieldElement(name))
      if (held?.owned) continue
      const inner = typeOfKey(form, name)
      const left = held && inner ? removeFields(inner, value[name] as Json, held) : value[name]
      if (left !== undefined) putKey(out, name, left)
    }
    return Object.keys(out).length > 0 ? out : undefined
  }
  if ((form.is === 'keyed' || form.is === 'set') && isJsonArray(value)) {
    const out: Json[] = []
    for (const item of value) {
      const held = gone.inner.get(elementOf(form, item))
      if (held?.owned) continue
      const left = held ? removeFields(form.items, item, held) : item
      if (left !== undefined) out.push(left)
    }
    return out.length > 0 ? out : undefined
  }
  return form.is === 'scalar' ? value : undefined
}

/** Named containers of which something is held count as held themselves, so that they go when they become empty. */
export const withNamedContainers = (type: Typed, set: FieldSet): FieldSet => {
  const inner = new Map<string, FieldSet>()
  for (const [element, each] of set.inner) {
    const [below, named] = typeBelow(type, element)
    const deeper = below ? withNamedContainers(below, each) : each
    inner.set(element, named && !deeper.owned ? { owned: true, inner: deeper.inner } : deeper)
  }
  return { owned: set.owned, inner }
}

const typeBelow = (type: Typed, element: string): [Typed | undefined, boolean] => {
  if (type.is === 'object') {
    const named = type.named(element.slice(2))
    return [named ?? type.rest, named !== undefined]
  }
  if (type.is === 'keyed' || type.is === 'set') return [type.items, false]
  return [type.is === 'free' ? type : undefined, false]
}
