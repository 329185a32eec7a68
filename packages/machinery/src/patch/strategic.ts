import { goText, goType } from '../json/go-text.ts'
import { isJsonArray, isJsonObject, type Json, type JsonObject, ownValue, putKey, sameJson } from '../json/value.ts'
import { elementKind, keyedBy, mergeLists, orderLists, partition } from './list-merge.ts'

// Strategic merge patch, with upstream's directives:
//   $patch: replace | delete | merge      of a map, or of an element of a list of maps
//   $retainKeys: [a, b]                   all other keys of the map go
//   $setElementOrder/list: [...]          the order of a merged list
//   $deleteFromPrimitiveList/list: [...]  elements to remove from a merged list of scalars

export type PatchStrategy = 'merge' | 'replace' | 'retainKeys'

/** What a strategic merge must know of one field. */
export interface PatchField {
  readonly strategy?: readonly PatchStrategy[]
  readonly mergeKey?: string
  /** Of the object, of the list's elements, or of the map's values. */
  readonly schema?: PatchSchema
}
/** What a strategic merge must know of an object. */
export interface PatchSchema {
  /** The Go struct's name, of a schema that knows all its fields. */
  readonly name?: string
  field(name: string): PatchField | undefined
}

export const patchMarker = '$patch'
export const retainKeysMarker = '$retainKeys'
const orderMarker = '$setElementOrder'
export const orderPrefix = `${orderMarker}/`
const deleteMarker = '$deleteFromPrimitiveList'
export const deletePrefix = `${deleteMarker}/`

/**
 * Whether a patch is applied to an object, where directives take effect and a null that has nothing to remove is dropped; or to another
 * patch, where both are kept for later.
 */
export type MergeMode = 'apply' | 'combine'

type Draft = { [key: string]: Json }

const noSchema: PatchSchema = { field: () => undefined }
const strategyOf = (field: PatchField | undefined): 'merge' | 'replace' | undefined =>
  field?.strategy?.find((each): each is 'merge' | 'replace' => each !== 'retainKeys')

/** Applies a strategic merge patch; neither argument is changed. Throws with upstream's texts. */
export const applyStrategicMergePatch = (object: JsonObject, patch: JsonObject, schema: PatchSchema): JsonObject =>
  mergeMaps(object, patch, schema, 'apply')

export const mergeMaps = (original: JsonObject, patch: JsonObject, schema: PatchSchema, mode: MergeMode): JsonObject => {
  const directive = ownValue(patch, patchMarker)
  if (directive !== undefined) return replaceByDirective(directive, patch)
  const result: Draft = { ...original }
  const rest: Draft = { ...patch }
  applyRetainKeys(result, rest, mode)
  applyElementOrders(result, rest, schema, mode)
  for (const key of Object.keys(rest)) mergeMember(result, key, rest[key] as Json, schema, mode)
  return result
}

const replaceByDirective = (directive: Json, patch: JsonObject): JsonObject => {
  if (directive === 'delete') return {}
  if (directive !== 'replace') {
    const shown = typeof directive === 'string' ? directive : `%!s(${goType(directive)}=${goText(directive)})`
    throw new Error(`unknown patch type: ${shown} in map: ${goText(patch)}`)
  }
  const { [patchMarker]: _, ...content } = patch
  return content
}

const mergeMember = (result: Draft, name: string, value: Json, schema: PatchSchema, mode: MergeMode): void => {
  const deletes = name.startsWith(deleteMarker)
  if (deletes && mode === 'combine') {
    putKey(result, name, value)
    return
  }
  if (deletes && !name.startsWith(deletePrefix)) throw new Error('invalid patch format of primitive list')
  const key = deletes ? name.slice(deletePrefix.length) : name
  if (value === null) {
    delete result[key]
    if (mode === 'apply') return
  }
  const before = ownValue(result, key)
  if (before === undefined || goKind(before) !== goKind(value)) {
    const taken = deletes ? undefined : mode === 'apply' ? withoutDirectives(value) : value
    if (taken !== undefined) putKey(result, key, taken)
    else if (!deletes) delete result[key]
    return
  }
  const field = schema.field(key)
  if (isJsonObject(before) && isJsonObject(value)) {
    const replaces = strategyOf(field) === 'replace'
    putKey(result, key, replaces ? value : mergeMaps(before, value, field?.schema ?? noSchema, mode))
  } else if (isJsonArray(before) && isJsonArray(value)) putKey(result, key, mergeListField(before, value, field, deletes, mode, key))
  else putKey(result, key, value)
}

const goKind = (value: Json): string => {
  const type = goType(value)
  return type === 'float64' ? 'int64' : type
}

const mergeListField = (
  before: readonly Json[],
  patch: readonly Json[],
  field: PatchField | undefined,
  deletes: boolean,
  mode: MergeMode,
  name: string,
): readonly Json[] => {
  if (strategyOf(field) !== 'merge') return patch
  if (before.length === 0 && patch.length === 0) return before
  const kind = elementKind(before, patch)
  if (kind === 'map' && !field?.mergeKey) throw new Error(`cannot merge lists without merge key for ${name}`)
  if (kind === 'scalar' && deletes && mode === 'apply') return before.filter((each) => !patch.some((gone) => sameJson(gone, each)))
  const merge = (a: JsonObject, b: JsonObject) => mergeMaps(a, b, field?.schema ?? noSchema, mode)
  return mergeLists(before, patch, kind === 'map' ? field?.mergeKey : undefined, merge)
}

/** Keeps only the keys that the directive lists; all that the patch sets must be among them. */
const applyRetainKeys = (result: Draft, patch: Draft, mode: MergeMode): void => {
  const retain = patch[retainKeysMarker]
  if (retain === undefined) return
  delete patch[retainKeysMarker]
  if (mode === 'combine') {
    const before = result[retainKeysMarker]
    if (before !== undefined && !sameJson(before, retain))
      throw new Error(`${goText(before)} and ${goText(retain)} are not deep equal: this may happen when calculating the 3-way diff patch`)
    result[retainKeysMarker] = retain
    return
  }
  const malformed = 'invalid patch format of retainKeys'
  if (!isJsonArray(retain)) throw new Error(malformed)
  const kept = new Set<Json>(retain)
  for (const key of Object.keys(patch)) {
    const exempt = patch[key] === null || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)
    if (!exempt && !kept.has(key)) throw new Error(malformed)
  }
  for (const key of Object.keys(result)) if (!kept.has(key)) delete result[key]
}

/** Merges each list that has an order with its part of the patch, which is then done. */
const applyElementOrders = (result: Draft, patch: Draft, schema: PatchSchema, mode: MergeMode): void => {
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(orderMarker)) continue
    const order = asList(patch[key] as Json)
    if (!key.startsWith(orderPrefix)) throw new Error('invalid patch format of setElementOrder list')
    if (mode === 'combine') {
      const before = ownValue(result, key)
      if (before !== undefined && !sameJson(before, order)) throw new Error('invalid patch format of setElementOrder list')
      putKey(result, key, order)
    }
    delete patch[key]
    const name = key.slice(orderPrefix.length)
    const field = schema.field(name)
    if (!field && schema.name)
      throw new Error(`unable to find api field in struct ${schema.name} for the json field ${JSON.stringify(name)}`)
    const ordered = orderedList(ownValue(result, name), ownValue(patch, name), order, field, mode, name)
    if (ordered) putKey(result, name, ordered)
    delete patch[name]
  }
}

const asList = (value: Json): readonly Json[] => {
  if (!isJsonArray(value)) throw new Error(`expected a []interface {}, but received a ${goType(value)}`)
  return value
}

const orderedList = (
  before: Json | undefined,
  patch: Json | undefined,
  order: readonly Json[],
  field: PatchField | undefined,
  mode: MergeMode,
  name: string,
): readonly Json[] | undefined => {
  if (before === undefined && patch === undefined) return undefined
  const [original, changes] = [before === undefined ? [] : asList(before), patch === undefined ? [] : asList(patch)]
  const mergeKey = field?.mergeKey
  checkOrder(changes, order, mergeKey)
  const merged =
    patch === undefined
      ? original
      : before === undefined
        ? mode === 'apply'
          ? (withoutDirectives(changes) as readonly Json[])
          : changes
        : mergeListField(original, changes, field, false, mode, name)
  const [patched, others] = partition(merged, order, mergeKey)
  return orderLists(patched, others, order, original, mergeKey)
}

/** The patch's elements must come in the order that it sets. Elements to delete do not count. */
const checkOrder = (patch: readonly Json[], order: readonly Json[], mergeKey: string | undefined): void => {
  if (patch.length === 0 || order.length === 0) return
  const kept = patch.filter((each) => !(isJsonObject(each) && Object.hasOwn(each, patchMarker)))
  let next = 0
  for (const each of order) if (next < kept.length && sameJson(keyedBy(kept[next] as Json, mergeKey), keyedBy(each, mergeKey))) next++
  if (next < kept.length)
    throw new Error(`The order in patch list:\n${goText(patch)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`)
}

/**
 * A patch's value where there is nothing to merge it with: maps with a directive go altogether, and nulls have nothing to remove.
 * Undefined: nothing is left. Other directives stay, as fields that nobody knows.
 */
const withoutDirectives = (value: Json): Json | undefined => {
  if (isJsonArray(value)) return value.map(withoutDirectives).filter((each) => each !== undefined)
  if (!isJsonObject(value)) return value
  if (Object.hasOwn(value, patchMarker)) return undefined
  const result: Draft = {}
  for (const key of Object.keys(value)) {
    const inner = value[key] === null ? undefined : withoutDirectives(value[key] as Json)
    if (inner !== undefined) putKey(result, key, inner)
  }
  return result
}
