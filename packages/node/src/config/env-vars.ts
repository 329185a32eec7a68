import type { ConfigMap, Container, EnvFromSource, EnvVar, Secret } from '@skiff/api'
import { isRefusal } from '@skiff/machinery'
import { expand, lookupIn } from './expansion.ts'
import { type FieldContext, fieldValue, resourceValue } from './field-ref.ts'

/** Reads what a pod refers to; a missing object is a Refusal with code 404. */
export interface Referents {
  configMap(namespace: string, name: string): Promise<ConfigMap>
  secret(namespace: string, name: string): Promise<Secret>
}

export interface EnvRequest {
  readonly container: Container
  readonly fields: FieldContext
  readonly services: ReadonlyMap<string, string>
  readonly referents: Referents
  /** Keys of an envFrom source were passed over. */
  readonly warn: (message: string) => void
}

/** Upstream takes nearly everything printable since 1.30; only these cannot be a variable's name. */
const isVariableName = (name: string): boolean => /^[\x20-\x3c\x3e-\x7e]+$/.test(name)

/**
 * A container's environment: envFrom, then env in its order, each able to refer to those before it and to the variables of
 * services, then the services' variables that nothing replaced. Throws an Error with upstream's text.
 */
export const environmentOf = async (request: EnvRequest): Promise<Map<string, string>> => {
  const { container, services } = request
  const env = new Map<string, string>()
  for (const source of container.envFrom ?? []) for (const [name, value] of await fromSource(source, request)) env.set(name, value)
  for (const variable of container.env ?? []) {
    const value = variable.value ? expand(variable.value, lookupIn(env, services)) : await valueFrom(variable, request)
    if (value !== undefined) env.set(variable.name, value)
  }
  for (const [name, value] of services) if (!env.has(name)) env.set(name, value)
  return env
}

const fromSource = async (source: EnvFromSource, request: EnvRequest): Promise<[string, string][]> => {
  const namespace = request.fields.pod.metadata.namespace ?? ''
  const ref = source.configMapRef ?? source.secretRef
  if (!ref) return []
  const name = ref.name ?? ''
  const data = source.configMapRef
    ? await optionally(ref.optional, async () => (await request.referents.configMap(namespace, name)).data)
    : await optionally(ref.optional, async () => decoded((await request.referents.secret(namespace, name)).data))
  const all = Object.entries(data ?? {}).map(([key, value]): [string, string] => [`${source.prefix ?? ''}${key}`, value])
  const invalid = all.flatMap(([key]) => (isVariableName(key) ? [] : key)).sort()
  if (invalid.length > 0) {
    const kind = source.configMapRef ? 'configMap' : 'secret'
    request.warn(
      `Keys [${invalid.join(', ')}] from the EnvFrom ${kind} ${namespace}/${name} were skipped since they are considered invalid environment variable names.`,
    )
  }
  return all.filter(([key]) => isVariableName(key))
}

const decoded = (data: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]))

/** Undefined: the variable is left out. */
const valueFrom = async (variable: EnvVar, request: EnvRequest): Promise<string | undefined> => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {}
  const { fields, referents, container } = request
  const namespace = fields.pod.metadata.namespace ?? ''
  if (fieldRef) return fieldValue(fieldRef, fields)
  if (resourceFieldRef) return resourceValue(resourceFieldRef, container, fields)
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef
    const object = await optionally(optional, () => referents.configMap(namespace, name))
    return keyOf(object?.data, key, optional || !object, `couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef
    const object = await optionally(optional, () => referents.secret(namespace, name))
    const value = keyOf(object?.data, key, optional || !object, `couldn't find key ${key} in Secret ${namespace}/${name}`)
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8')
  }
  return ''
}

const keyOf = (data: Readonly<Record<string, string>> | undefined, key: string, optional: boolean | undefined, missing: string) => {
  if (data && Object.hasOwn(data, key)) return data[key]
  if (optional) return undefined
  throw new Error(missing)
}

const optionally = async <T>(optional: boolean | undefined, read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (optional && isRefusal(error, 404)) return undefined
    throw error
  }
}
