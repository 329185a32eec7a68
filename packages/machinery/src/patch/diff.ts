import { goText } from '../json/go-text.ts'
import { compareBytes, isJsonArray, isJsonObject, type Json, type JsonObject, ownValue, putKey, sameJson } from '../json/value.ts'
import { elementKind, keyedBy, sortedBy } from './list-merge.ts'
import { createMergePatch } from './merge-patch.ts'
import { deletePrefix, mergeMaps, orderPrefix, type PatchField, type PatchSchema, patchMarker, retainKeysMarker } from './strategic.ts'

// The patches that a client makes: what leads from one object to another, and kubectl apply's three-way patches.

/** Which half of the difference is wanted. */
type Wanted = 'all' | 'changes' | 'deletions'
interface Options {
  readonly wanted: Wanted
  /** The map's strategy has retainKeys. */
  readonly retainKeys: boolean
}
type Draft = { [key: string]: Json }

const noSchema: PatchSchema = { field: () => undefined }

/** The strategic merge patch that makes `modified` of `original`. */
export const createStrategicMergePatch = (original: JsonObject, modified: JsonObject, schema: PatchSchema): JsonObject =>
  diffMaps(original, modified, schema, { wanted: 'all', retainKeys: false })

/**
 * kubectl apply's patch: what makes `current` (live) match `modified` (the file), with the removal of what `original` (the last file)
 * had and `modified` has not. Fields that others set stay.
 */
export const createThreeWayStrategicPatch = (
  original: JsonObject,
  modified: JsonObject,
  current: JsonObject,
  schema: PatchSchema,
): JsonObject => {
  const changes = diffMaps(current, modified, schema, { wanted: 'changes', retainKeys: false })
  const deletions = diffMaps(original, modified, schema, { wanted: 'deletions', retainKeys: false })
  return mergeMaps(deletions, changes, schema, 'combine')
}

/** kubectl apply's patch for kinds without a schema: a merge patch with the changes of `current` and the deletions of `original`. */
export const createThreeWayMergePatch = (original: JsonObject, modified: JsonObject, current: JsonObject): JsonObject => {
  const changes = nullsOf(createMergePatch(current, modified), false)
  const deletions = nullsOf(createMergePatch(original, modified), true)
  return Object.keys(deletions).length === 0 ? changes : overlaid(deletions, changes)
}

/** Only the nulls of a merge patch, or all but them. */
const nullsOf = (patch: JsonObject, keep: boolean): JsonObject => {
  const result: Draft = {}
  for (const [key, value] of Object.entries(patch)) {
    if (isJsonObject(value)) {
      const inner = nullsOf(value, keep)
      if (Object.keys(inner).length > 0 || (!keep && Object.keys(value).length === 0)) putKey(result, key, inner)
    } else if ((value === null) === keep) putKey(result, key, value as Json)
  }
  return result
}

const overlaid = (under: JsonObject, over: JsonObject): JsonObject => {
  const result: Draft = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const before = ownValue(under, key)
    putKey(result, key, isJsonObject(before) && isJsonObject(value) ? overlaid(before, value) : (value as Json))
  }
  return result
}

const sameKind = (a: Json, b: Json): boolean => isJsonArray(a) === isJsonArray(b) && (a === null) === (b === null) && typeof a === typeof b

const diffMaps = (original: JsonObject, modified: JsonObject, schema: PatchSchema, { wanted, retainKeys }: Options): Draft => {
  const patch: Draft = {}
  for (const key of Object.keys(modified)) {
    const value = modified[key] as Json
    const before = ownValue(original, key)
    if (before === undefined || !sameKind(before, value)) {
      if (wanted !== 'deletions') putKey(patch, key, value)
    } else if (isJsonObject(before) && isJsonObject(value)) diffMapField(patch, key, before, value, schema.field(key), wanted)
    else if (isJsonArray(before) && isJsonArray(value)) diffListField(patch, key, before, value, schema.field(key), wanted)
    else if (wanted !== 'deletions' && !sameJson(before, value)) putKey(patch, key, value)
  }
  if (wanted !== 'changes') for (const key of Object.keys(original)) if (!Object.hasOwn(modified, key)) putKey(patch, key, null)
  if (retainKeys) addRetainKeys(patch, original, modified)
  return patch
}

/** Names the keys to keep where the patch changes something, or where the original has more. */
const addRetainKeys = (patch: Draft, original: JsonObject, modified: JsonObject): void => {
  const kept = Object.keys(modified).filter((key) => modified[key] !== null)
  const more = Object.keys(original).some((key) => original[key] !== null && !Object.hasOwn(modified, key))
  if (kept.length > 0 && (more || Object.keys(patch).length > 0)) patch[retainKeysMarker] = kept.sort(compareBytes)
}

const hasStrategy = (field: PatchField | undefined, strategy: 'merge' | 'replace' | 'retainKeys'): boolean =>
  field?.strategy?.includes(strategy) === true

const diffMapField = (patch: Draft, key: string, before: JsonObject, value: JsonObject, field: PatchField | undefined, wanted: Wanted) => {
  if (hasStrategy(field, 'replace')) {
    if (wanted !== 'deletions') putKey(patch, key, value)
    return
  }
  const inner = diffMaps(before, value, field?.schema ?? noSchema, { wanted, retainKeys: hasStrategy(field, 'retainKeys') })
  if (Object.keys(inner).length > 0) putKey(patch, key, inner)
}

const diffListField = (
  patch: Draft,
  key: string,
  before: readonly Json[],
  value: readonly Json[],
  field: PatchField | undefined,
  wanted: Wanted,
): void => {
  if (!hasStrategy(field, 'merge')) {
    if (wanted !== 'deletions' && !sameJson(before, value)) putKey(patch, key, value)
    return
  }
  const { changed, deleted, order } = diffLists(before, value, field as PatchField, wanted)
  if (changed.length > 0) putKey(patch, key, changed)
  if (deleted.length > 0) putKey(patch, deletePrefix + key, deleted)
  if (order.length > 0) putKey(patch, orderPrefix + key, order)
}

interface ListDiff {
  readonly changed: readonly Json[]
  /** Scalars to remove; maps are removed by elements of `changed`. */
  readonly deleted: readonly Json[]
  readonly order: readonly Json[]
}

const diffLists = (before: readonly Json[], value: readonly Json[], field: PatchField, wanted: Wanted): ListDiff => {
  if (before.length === 0) return { changed: wanted === 'deletions' ? [] : value, deleted: [], order: [] }
  if (elementKind(before, value) === 'scalar') {
    const { added, removed } = diffScalars(before, value)
    const [changed, deleted] = [wanted === 'deletions' ? [] : sortedBy(added, value, undefined), wanted === 'changes' ? [] : removed]
    const reordered = deleted.length > 0 || (wanted !== 'deletions' && !sameJson(before, value))
    return { changed, deleted, order: reordered ? value : [] }
  }
  const mergeKey = field.mergeKey ?? ''
  const { changed, deleted } = diffListsOfMaps(before, value, field, mergeKey, wanted)
  const all = [...sortedBy(changed, value, mergeKey), ...deleted]
  const sameOrder =
    before.length === value.length && value.every((each, i) => sameJson(keyedBy(each, mergeKey), keyedBy(before[i] as Json, mergeKey)))
  const ordered = all.length > 0 || (wanted !== 'deletions' && !sameOrder)
  return { changed: all, deleted: [], order: ordered ? value.map((each) => ({ [mergeKey]: keyedBy(each, mergeKey) })) : [] }
}

/** Goes along two lists that are sorted by text, as upstream does: equal texts pair off one by one. */
const pairUp = <T>(
  before: readonly { text: string; value: T }[],
  after: readonly { text: string; value: T }[],
  meet: (before: T | undefined, after: T | undefined) => void,
): void => {
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const [a, b] = [before[i], after[j]]
    const order = a === undefined ? 1 : b === undefined ? -1 : compareBytes(a.text, b.text)
    meet(order <= 0 ? a?.value : undefined, order >= 0 ? b?.value : undefined)
    if (order <= 0) i++
    if (order >= 0) j++
  }
}

const byText = <T extends Json>(list: readonly T[], textOf: (each: T) => string): { text: string; value: T }[] =>
  list.map((value) => ({ text: textOf(value), value })).sort((a, b) => compareBytes(a.text, b.text))

const diffScalars = (before: readonly Json[], value: readonly Json[]): { added: Json[]; removed: Json[] } => {
  const added: Json[] = []
  const removed: Json[] = []
  pairUp(byText(before, goText), byText(value, goText), (old, next) => {
    if (next === undefined) {
      if (!removed.some((each) => sameJson(each, old))) removed.push(old as Json)
    } else if (old === undefined) added.push(next)
  })
  return { added, removed }
}

const diffListsOfMaps = (before: readonly Json[], value: readonly Json[], field: PatchField, mergeKey: string, wanted: Wanted) => {
  const changed: Json[] = []
  const deleted: Json[] = []
  const textOf = (each: Json) => goText(keyedBy(each, mergeKey))
  const options = { wanted, retainKeys: hasStrategy(field, 'retainKeys') }
  pairUp(byText(before, textOf), byText(value, textOf), (old, next) => {
    if (old === undefined) {
      if (wanted !== 'deletions') changed.push(next as Json)
    } else if (next === undefined) {
      if (wanted !== 'changes') deleted.push({ [patchMarker]: 'delete', [mergeKey]: keyedBy(old, mergeKey) })
    } else {
      const inner = diffMaps(old as JsonObject, next as JsonObject, field.schema ?? noSchema, options)
      if (Object.keys(inner).length > 0) changed.push({ ...inner, [mergeKey]: keyedBy(next, mergeKey) })
    }
  })
  return { changed, deleted }
}
