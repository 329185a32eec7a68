import {
  addFaults,
  DecodeError,
  type FieldError,
  groupVersionFault,
  invalidValue,
  isDns1035Label,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  nameIsPathSegment,
  type ObjectMeta,
  required,
  validateObjectMeta,
} from '@skiff/machinery'
import { decodeMeta } from './object-meta.ts'
import { isEmbedded, itemsOf, partsOf, propertyOf, type Structural, valuesOf } from './structural.ts'

/** Objects within objects have a kind, a version and sound metadata. `root`: so has the value itself. */
export const checkEmbedded = (schema: Structural, value: Json, path = '', root = false): readonly FieldError[] => {
  const faults: FieldError[] = []
  if (root || hasEmbedded(schema)) walk(schema, value, path, root, faults)
  return faults
}

const known = new WeakMap<Structural, boolean>()
export const hasEmbedded = (schema: Structural): boolean => {
  const held = known.get(schema)
  if (held !== undefined) return held
  const found = isEmbedded(schema) || partsOf(schema).some(hasEmbedded)
  known.set(schema, found)
  return found
}

const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

const walk = (schema: Structural, value: Json, path: string, root: boolean, faults: FieldError[]): void => {
  if (isJsonArray(value)) {
    const items = itemsOf(schema)
    if (items)
      value.forEach((item, index) => {
        walk(items, item, `${path}[${index}]`, false, faults)
      })
    return
  }
  if (!isJsonObject(value)) return
  if (root || isEmbedded(schema)) checkResource(value, path, faults)
  const values = valuesOf(schema)
  for (const name of Object.keys(value).sort()) {
    const property = propertyOf(schema, name)
    if (property) walk(property, value[name] as Json, child(path, name), false, faults)
    else if (typeof values === 'object') walk(values, value[name] as Json, `${path}[${name}]`, false, faults)
  }
}

const checkResource = (value: JsonObject, path: string, faults: FieldError[]): void => {
  for (const name of ['apiVersion', 'kind'] as const) {
    const at = child(path, name)
    const text = value[name]
    if (!Object.hasOwn(value, name)) faults.push(required(at, 'must not be empty'))
    else if (typeof text !== 'string') faults.push(invalidValue(at, text, 'must be a string'))
    else if (text === '') faults.push(invalidValue(at, text, 'must not be empty'))
    else if (name === 'kind') checkKind(text, at, faults)
    else {
      const fault = groupVersionFault(text)
      if (fault) faults.push(invalidValue(at, text, fault))
    }
  }
  if (Object.hasOwn(value, 'metadata')) checkMeta(value.metadata as Json, child(path, 'metadata'), faults)
}

const checkKind = (kind: string, path: string, faults: FieldError[]): void => {
  const complaints = isDns1035Label(kind.toLowerCase())
  if (complaints.length > 0)
    faults.push(invalidValue(path, kind, `may have mixed case, but should otherwise match: ${complaints.join(',')}`))
}

const checkMeta = (value: Json, path: string, faults: FieldError[]): void => {
  try {
    const given = decodeMeta(value).object as Partial<ObjectMeta>
    const named = { ...given, name: given.name || 'fakename' } as ObjectMeta
    addFaults(faults, validateObjectMeta(named, (given.namespace ?? '') !== '', nameIsPathSegment, path))
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    faults.push(invalidValue(path, value, error.message))
  }
}
