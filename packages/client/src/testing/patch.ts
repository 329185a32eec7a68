type Json = Record<string, unknown>
const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
// By which member the lists of maps that tests patch are merged; a stand-in for the schema's merge keys.
const mergeKeys = ['uid', 'type', 'name', 'ip'] as const

const deletePrefix = '$deleteFromPrimitiveList/'

/** RFC 7386 for `lists` false; close enough to a strategic merge patch for tests with `lists` true. */
export const mergePatch = (target: unknown, patch: unknown, lists: boolean): unknown => {
  if (lists && Array.isArray(patch) && Array.isArray(target)) return mergeList(target, patch)
  if (!isMap(patch)) return patch
  const result: Json = isMap(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (lists && key.startsWith(deletePrefix)) {
      const name = key.slice(deletePrefix.length)
      const held = result[name]
      if (Array.isArray(held)) result[name] = held.filter((item) => !(value as readonly unknown[]).includes(item))
    }
    if (key.startsWith('$')) continue
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value, lists)
  }
  return result
}

const mergeList = (target: readonly unknown[], patch: readonly unknown[]): unknown[] => {
  const key = mergeKeys.find((name) => patch.every((item) => isMap(item) && item[name] !== undefined))
  if (key === undefined) return patch.every((item) => typeof item === 'string') ? [...new Set([...target, ...patch])] : [...patch]
  const result = [...target]
  for (const item of patch as Json[]) {
    const at = result.findIndex((held) => isMap(held) && held[key] === item[key])
    if (item.$patch === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (at >= 0) result[at] = mergePatch(result[at], item, true)
    else result.push(mergePatch({}, item, true))
  }
  return result
}
