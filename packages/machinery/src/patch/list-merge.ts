import { goText, goType } from '../json/go-text.ts'
import { isJsonObject, type Json, type JsonObject, ownValue } from '../json/value.ts'

// Lists with strategy merge: of maps, which are the same if their merge key is, and of scalars, which are sets.

/** What the lists hold; a list holds one sort of thing, and no lists. */
export const elementKind = (...lists: readonly (readonly Json[])[]): 'map' | 'scalar' => {
  const types = new Set(lists.flat().map(elementType))
  if (types.has('[]interface {}')) throw new Error('lists of lists are not supported')
  if (types.size > 1) throw new Error(`list element types are not identical: [${lists.map((list) => goText(list)).join(' ')}]`)
  return types.has('map[string]interface {}') ? 'map' : 'scalar'
}
const elementType = (value: Json): string => {
  const type = goType(value)
  return type === 'float64' ? 'int64' : type
}

/** What tells an element from others: the value of its merge key, or itself. Throws where the key is missing. */
export const keyedBy = (element: Json, mergeKey: string | undefined): Json => {
  if (mergeKey === undefined) return element
  if (!isJsonObject(element)) throw new Error(`expected a map[string]interface {}, but received a ${goType(element)}`)
  const value = ownValue(element, mergeKey)
  if (value === undefined) throw new Error(`map: ${goText(element)} does not contain declared merge key: ${mergeKey}`)
  return value
}

/** A hashable stand-in for a key's value. */
const identity = (value: Json): unknown => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value)

const identitiesOf = (list: readonly Json[], mergeKey: string | undefined): unknown[] =>
  list.map((each) => {
    // A list to compare with may lack keys; such elements equal none.
    if (mergeKey === undefined) return identity(each)
    const value = isJsonObject(each) ? ownValue(each, mergeKey) : undefined
    return value === undefined ? Symbol('no key') : identity(value)
  })

/** The elements whose keys are among those of `by`, and the rest. */
export const partition = (list: readonly Json[], by: readonly Json[], mergeKey: string | undefined): [Json[], Json[]] => {
  const known = new Set(identitiesOf(by, mergeKey))
  const within: Json[] = []
  const without: Json[] = []
  for (const each of list) (known.has(identity(keyedBy(each, mergeKey))) ? within : without).push(each)
  return [within, without]
}

/** Merges a patch's list into an original one, elements of the patch in the patch's order. */
export const mergeLists = (
  original: readonly Json[],
  patch: readonly Json[],
  mergeKey: string | undefined,
  merge: (original: JsonObject, patch: JsonObject) => JsonObject,
): readonly Json[] => {
  if (mergeKey === undefined) {
    const merged = distinct([...original, ...patch])
    const [patched, others] = partition(merged, patch, undefined)
    return orderLists(patched, others, patch, original, undefined)
  }
  const directed = obeyDirectives(original, patch, mergeKey)
  if (directed.replaced) return directed.patch
  const merged = [...directed.original]
  const places = rankOf(merged, mergeKey)
  for (const each of directed.patch) {
    const key = identity(keyedBy(each, mergeKey))
    const at = places.get(key)
    if (at !== undefined) merged[at] = merge(merged[at] as JsonObject, each as JsonObject)
    else places.set(key, merged.push(each) - 1)
  }
  const [patched, others] = partition(merged, directed.patch, mergeKey)
  return orderLists(patched, others, directed.patch, directed.original, mergeKey)
}

const distinct = (list: readonly Json[]): Json[] => {
  const seen = new Set<unknown>()
  return list.filter((each) => !seen.has(identity(each)) && seen.add(identity(each)))
}

/** Takes elements with `$patch` out of the patch and does what they say. */
const obeyDirectives = (original: readonly Json[], patch: readonly Json[], mergeKey: string) => {
  const gone = new Set<unknown>()
  let replaced = false
  const plain: Json[] = []
  for (const each of patch) {
    const directive = ownValue(each as JsonObject, '$patch')
    if (directive === undefined) plain.push(each)
    else if (directive === 'replace') replaced = true
    else if (directive === 'delete') {
      gone.add(identity(keyedBy(each, mergeKey)))
    } else if (directive === 'merge') throw new Error('merging lists cannot yet be specified in the patch')
    else throw new Error(`unknown patch type: ${goText(directive)} in map: ${goText(each)}`)
  }
  const isKept = (each: Json): boolean => {
    const key = isJsonObject(each) ? ownValue(each, mergeKey) : undefined
    return key === undefined || !gone.has(identity(key))
  }
  return { original: gone.size > 0 ? original.filter(isKept) : original, patch: plain, replaced }
}

/**
 * One list of the patch's elements, in the order `patchOrder`, and the server's own, in the order `serverOrder`. The server's
 * come before those that follow them on the server; where that says nothing the patch's go first.
 */
export const orderLists = (
  patched: readonly Json[],
  others: readonly Json[],
  patchOrder: readonly Json[],
  serverOrder: readonly Json[],
  mergeKey: string | undefined,
): Json[] => {
  const right = sortedBy(patched, patchOrder, mergeKey)
  const left = sortedBy(others, serverOrder, mergeKey)
  const ranks = rankOf(serverOrder, mergeKey)
  const rank = (each: Json): number | undefined => ranks.get(identity(keyedBy(each, mergeKey)))
  const all: Json[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const [a, b] = [i < left.length ? rank(left[i] as Json) : undefined, j < right.length ? rank(right[j] as Json) : undefined]
    const takeLeft = j >= right.length || (i < left.length && a !== undefined && b !== undefined && a < b)
    all.push((takeLeft ? left[i++] : right[j++]) as Json)
  }
  return all
}

const rankOf = (order: readonly Json[], mergeKey: string | undefined): Map<unknown, number> => {
  const ranks = new Map<unknown, number>()
  identitiesOf(order, mergeKey).forEach((each, i) => {
    if (!ranks.has(each)) ranks.set(each, i)
  })
  return ranks
}

/** A list in the order that another has; stable, and elements to delete come last, for they have no place. */
export const sortedBy = (list: readonly Json[], order: readonly Json[], mergeKey: string | undefined): Json[] => {
  const ranks = rankOf(order, mergeKey)
  const weight = (each: Json): number =>
    mergeKey !== undefined && isJsonObject(each) && ownValue(each, '$patch') === 'delete'
      ? Number.POSITIVE_INFINITY
      : (ranks.get(identity(keyedBy(each, mergeKey))) ?? order.length)
  return list
    .map((each, i) => ({ each, i, weight: weight(each) }))
    .sort((a, b) => (a.weight === b.weight ? a.i - b.i : a.weight - b.weight))
    .map(({ each }) => each)
}
