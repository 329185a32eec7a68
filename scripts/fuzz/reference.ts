import { isJsonArray, isJsonObject, type Json, type JsonObject } from '@skiff/machinery'

// The two RFCs once more, as plainly as can be: what a patch must come to.

const own = (holder: JsonObject, key: string): Json | undefined => (Object.hasOwn(holder, key) ? holder[key] : undefined)
const put = (holder: object, key: string, value: Json): void => {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

/** RFC 7386, with upstream's addition that nulls within what is new are dropped, in lists' objects too. */
export const mergedByRfc = (target: Json | undefined, patch: Json): Json => {
  if (!isJsonObject(patch)) return isJsonObject(target) ? patch : bare(patch)
  const base: JsonObject = isJsonObject(target) ? target : {}
  const result: { [key: string]: Json } = {}
  for (const key of Object.keys(base)) if (!Object.hasOwn(patch, key)) put(result, key, base[key] as Json)
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json
    if (value !== null) put(result, key, isJsonObject(target) ? mergedByRfc(own(base, key), value) : bare(value))
  }
  return result
}
const bare = (value: Json): Json => {
  if (isJsonArray(value)) return value.map(bare)
  if (!isJsonObject(value)) return value
  const result: { [key: string]: Json } = {}
  for (const key of Object.keys(value)) if (value[key] !== null) put(result, key, bare(value[key] as Json))
  return result
}

interface Place {
  readonly holder: Json[] | { [key: string]: Json }
  readonly key: string
}

const placeAt = (root: Json, pointer: unknown): Place | undefined => {
  if (typeof pointer !== 'string' || !pointer.startsWith('/')) return undefined
  const keys = pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  let holder: Json | undefined = root
  for (const key of keys.slice(0, -1)) {
    if (isJsonArray(holder)) holder = /^(0|[1-9]\d*)$/.test(key) ? holder[Number(key)] : undefined
    else holder = isJsonObject(holder) ? own(holder, key) : undefined
  }
  if (!isJsonArray(holder) && !isJsonObject(holder)) return undefined
  return { holder: holder as Place['holder'], key: keys.at(-1) as string }
}

const valueAt = ({ holder, key }: Place): Json | undefined => {
  if (!Array.isArray(holder)) return own(holder, key)
  return /^(0|[1-9]\d*)$/.test(key) ? holder[Number(key)] : undefined
}

const insertAt = ({ holder, key }: Place, value: Json): boolean => {
  if (!Array.isArray(holder)) put(holder, key, value)
  else if (key === '-') holder.push(value)
  else if (/^(0|[1-9]\d*)$/.test(key) && Number(key) <= holder.length) holder.splice(Number(key), 0, value)
  else return false
  return true
}

const removeAt = ({ holder, key }: Place): void => {
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

/** RFC 6902 on a copy; undefined where the RFC or this simple form of it refuses. */
export const patchedByRfc = (object: Json, patch: readonly JsonObject[]): Json | undefined => {
  const root = structuredClone(object)
  for (const operation of patch) {
    const place = placeAt(root, operation.path)
    if (!place) return undefined
    const found = valueAt(place)
    const value = structuredClone(operation.value as Json)
    if (operation.op === 'add') {
      if (value === undefined || !insertAt(place, value)) return undefined
      continue
    }
    if (operation.op === 'remove' || operation.op === 'replace') {
      if (found === undefined || (operation.op === 'replace' && value === undefined)) return undefined
      if (operation.op === 'remove') removeAt(place)
      else put(place.holder, place.key, value)
      continue
    }
    if (operation.op !== 'copy' && operation.op !== 'move') return undefined
    const source = placeAt(root, operation.from)
    const taken = source && valueAt(source)
    if (!source || taken === undefined) return undefined
    if (operation.op === 'move') {
      // A move into itself is the RFC's to refuse.
      if (`${operation.path as string}/`.startsWith(`${operation.from as string}/`)) return undefined
      removeAt(source)
    }
    const target = placeAt(root, operation.path)
    if (!target || !insertAt(target, structuredClone(taken))) return undefined
  }
  return root
}
