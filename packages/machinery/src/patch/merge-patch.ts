import { isJsonArray, isJsonObject, type Json, type JsonObject, ownValue, putKey, sameJson } from '../json/value.ts'

/**
 * RFC 7386. A null removes a member; objects merge; all else replaces. As upstream, nulls within what is new are left out too, also
 * in objects within lists. Throws for a patch that is neither object nor list.
 */
export const applyMergePatch = (object: Json, patch: Json): Json => {
  if (typeof patch !== 'object' || patch === null) throw new Error('Invalid JSON Patch')
  return merged(object, patch)
}

const merged = (target: Json | undefined, patch: Json): Json => {
  if (!isJsonObject(patch)) return isJsonObject(target) ? patch : withoutNulls(patch)
  if (!isJsonObject(target)) return withoutNulls(patch)
  const result: { [key: string]: Json } = { ...target }
  for (const key of Object.keys(patch)) {
    const value = patch[key] as Json
    if (value === null) delete result[key]
    else putKey(result, key, merged(ownValue(target, key), value))
  }
  return result
}

const withoutNulls = (value: Json): Json => {
  if (isJsonArray(value)) return value.map(withoutNulls)
  if (!isJsonObject(value)) return value
  const result: { [key: string]: Json } = {}
  for (const key of Object.keys(value)) if (value[key] !== null) putKey(result, key, withoutNulls(value[key] as Json))
  return result
}

/** The merge patch that makes `modified` of `original`: removed members become null, lists replace. */
export const createMergePatch = (original: JsonObject, modified: JsonObject): JsonObject => {
  const patch: { [key: string]: Json } = {}
  for (const key of Object.keys(modified)) {
    const value = modified[key] as Json
    const before = ownValue(original, key)
    if (before === undefined) putKey(patch, key, value)
    else if (isJsonObject(before) && isJsonObject(value)) {
      const inner = createMergePatch(before, value)
      if (Object.keys(inner).length > 0) putKey(patch, key, inner)
    } else if (!sameJson(before, value)) putKey(patch, key, value)
  }
  for (const key of Object.keys(original)) if (!Object.hasOwn(modified, key)) putKey(patch, key, null)
  return patch
}
