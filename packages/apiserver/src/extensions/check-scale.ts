import type { Kind } from '@skiff/api'
import { type FieldError, goType, invalidValue, isJsonObject, type Json, type JsonObject, ownValue } from '@skiff/machinery'

type Paths = NonNullable<Kind['scale']>

/** What is wrong with the fields that the scale subresource reads. `part`: writes of status leave the spec alone. */
export const checkScale = (paths: Paths | undefined, object: Json, part: 'all' | 'status'): readonly FieldError[] => {
  if (!paths) return []
  const faults: FieldError[] = []
  if (part === 'all') checkCount(faults, object, paths.specReplicas)
  checkCount(faults, object, paths.statusReplicas)
  if (paths.labelSelector !== undefined) {
    const { fault } = valueAt(object, paths.labelSelector, 'string')
    if (fault) faults.push(invalidValue(paths.labelSelector, '', fault))
  }
  return faults
}

const checkCount = (faults: FieldError[], object: Json, path: string): void => {
  const { value, fault } = valueAt(object, path, 'int64')
  if (fault) faults.push(invalidValue(path, 0, fault))
  else if (typeof value !== 'number' && typeof value !== 'bigint') return
  else if (value < 0) faults.push(invalidValue(path, value, 'should be a non-negative integer'))
  else if (value > 2147483647) faults.push(invalidValue(path, value, 'should be less than or equal to 2147483647'))
}

interface Found {
  readonly value?: Json
  readonly fault?: string
}

const valueAt = (object: Json, path: string, wanted: 'int64' | 'string'): Found => {
  const names = path.replace(/^\./, '').split('.')
  let value: Json | undefined = object
  for (const [index, name] of names.entries()) {
    if (value === undefined) return {}
    if (!isJsonObject(value)) return { fault: accessFault(names.slice(0, index + 1), value, 'map[string]interface{}') }
    value = ownValue(value as JsonObject, name)
  }
  if (value === undefined || goType(value) === wanted) return value === undefined ? {} : { value }
  return { fault: accessFault(names, value, wanted) }
}

const accessFault = (names: readonly string[], value: Json, wanted: string): string =>
  `.${names.join('.')} accessor error: ${goShown(value)} is of the type ${goType(value)}, expected ${wanted}`

const goShown = (value: Json): string => (value === null ? '<nil>' : typeof value === 'object' ? JSON.stringify(value) : String(value))
