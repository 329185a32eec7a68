import { createHash } from 'node:crypto'
import { encodeJson } from '@skiff/machinery'
import type { Schema } from './schemas.ts'

/** Parameters that version 2 writes where they are used, as upstream does. */
const inPlace = new Set(['name', 'dryRun', 'fieldValidation'])
const sharedBodies = /\.meta\.v1\.(DeleteOptions|Patch)$/

const isShared = (parameter: Schema): boolean => {
  if (parameter.in !== 'body') return !inPlace.has(String(parameter.name))
  return sharedBodies.test(String((parameter.schema as { readonly $ref?: string } | undefined)?.$ref))
}

const sortedKeys = (value: Schema): Schema => Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))

/** The parameter's own name with six bytes of a hash of it, in upstream's form. */
const nameOf = (parameter: Schema): string => {
  const hash = createHash('sha224')
    .update(encodeJson(sortedKeys(parameter)))
    .digest()
    .subarray(0, 6)
  return `${String(parameter.name)}-${hash.toString('base64').replaceAll('+', '-').replaceAll('/', '_')}`
}

/** Version 2's paths with a reference in place of each parameter that many share, and those parameters by name. */
export const withSharedParameters = (paths: Readonly<Record<string, Schema>>): { readonly paths: Schema; readonly parameters: Schema } => {
  const parameters: Record<string, Schema> = {}
  const references = new Map<Schema, Schema>()
  const replaced = (parameter: Schema): Schema => {
    const known = references.get(parameter)
    if (known || !isShared(parameter)) return known ?? parameter
    const name = nameOf(parameter)
    const reference = { $ref: `#/parameters/${name}` }
    references.set(parameter, reference)
    parameters[name] = parameter
    return reference
  }
  const within = (item: Schema): Schema =>
    Object.hasOwn(item, 'parameters') ? { ...item, parameters: (item.parameters as readonly Schema[]).map(replaced) } : item
  const items = Object.entries(paths).map(([path, item]) => {
    const methods = Object.entries(item).map(([key, value]) => [key, key === 'parameters' ? value : within(value as Schema)])
    return [path, within(Object.fromEntries(methods))]
  })
  return {
    paths: Object.fromEntries(items),
    parameters: Object.fromEntries(Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}
