import { isJsonArray, isJsonObject, type Json } from '../json/value.ts'
import { goType, pointed, wrapped } from './go-value.ts'
import { elementText } from './path-element.ts'
import { elementOf, type KeyedList, type Typed, type TypedObject, typeFor, typeOfKey } from './typed.ts'

/** What keeps a value from being of a type, in upstream's words: `.spec.foo: field not declared in schema`. */
export const typeFaults = (type: Typed, value: Json): readonly string[] => {
  const faults: string[] = []
  check(faults, type, value, '')
  return faults
}

const check = (faults: string[], given: Typed, value: Json, path: string): void => {
  if (value === null) return
  const type = typeFor(given, value)
  const fault = (text: string) => faults.push(path === '' ? text : `${path}: ${text}`)
  switch (type.is) {
    case 'scalar': {
      const text = scalarFault(type.of, value)
      if (text) fault(text)
      return
    }
    case 'atomic':
      check(faults, type.within, value, path)
      return
    case 'object':
      if (!isJsonObject(value)) fault(`expected map, got ${pointed(value)}`)
      else checkFields(faults, type, value, path)
      return
    case 'free':
      return
    default:
      if (!isJsonArray(value)) fault(`expected list, got ${pointed(value)}`)
      else if (type.is === 'list') for (const [index, item] of value.entries()) check(faults, type.items, item, `${path}[${index}]`)
      else checkElements(faults, type, value, path)
  }
}

const scalarFault = (of: 'string' | 'number' | 'boolean' | 'any', value: Json): string | undefined => {
  const is = typeof value
  if (of === 'any') return is === 'object' ? `expected any scalar, got ${pointed(value)}` : undefined
  if (of === 'number') return is === 'number' || is === 'bigint' ? undefined : `expected numeric (int or float), got ${goType(value)}`
  if (is === of) return undefined
  return of === 'string' ? `expected string, got ${wrapped(value)}` : `expected boolean, got ${pointed(value)}`
}

const checkFields = (faults: string[], type: TypedObject, value: { readonly [key: string]: Json }, path: string): void => {
  for (const name of Object.keys(value)) {
    const inner = typeOfKey(type, name)
    if (!inner) {
      faults.push(`${path}.${name}: field not declared in schema`)
      return
    }
    check(faults, inner, value[name] as Json, `${path}.${name}`)
  }
}

const checkElements = (
  faults: string[],
  type: KeyedList | { readonly is: 'set'; readonly items: Typed },
  list: readonly Json[],
  path: string,
): void => {
  const met = new Set<string>()
  for (const [index, item] of list.entries()) {
    let element: string
    try {
      element = elementOf(type, item)
    } catch (error) {
      faults.push(`${path}: element ${index}: ${(error as Error).message}`)
      return
    }
    if (met.has(element)) faults.push(`${path}: duplicate entries for key ${elementText(element)}`)
    met.add(element)
    check(faults, type.items, item, `${path}${elementText(element)}`)
  }
}
