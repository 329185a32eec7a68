import { decodeFields, encodeFields, isJsonObject, type JsonObject, unite } from '@skiff/machinery'
import { at, type Dynamic, listAt } from './fields.ts'

const annotationPath = ['fieldsV1', 'f:metadata', 'f:annotations', 'f:kubectl.kubernetes.io/last-applied-configuration']

/** The entries of managedFields that own kubectl's annotation of what was last applied. */
const ownersOfAnnotation = (object: Dynamic, operation: 'Apply' | 'Update'): readonly JsonObject[] =>
  listAt(object, 'metadata.managedFields').filter((entry) => entry.operation === operation && at(entry, annotationPath) !== undefined)

export const isAnnotationApplied = (object: Dynamic): boolean => ownersOfAnnotation(object, 'Apply').length > 0

const isOf = (entry: JsonObject, manager: string, operation: string): boolean =>
  entry.manager === manager && entry.operation === operation && !entry.subresource

/** One entry with the fields of both. */
const united = (kept: JsonObject, other: JsonObject | undefined): JsonObject => {
  const [a, b] = [kept.fieldsV1, other?.fieldsV1]
  return isJsonObject(a) && isJsonObject(b) ? { ...kept, fieldsV1: encodeFields(unite(decodeFields(a), decodeFields(b))) } : kept
}

/** What one client-side manager owns goes to `applier`. */
const handedOver = (entries: readonly JsonObject[], from: string, applier: string): readonly JsonObject[] => {
  const old = entries.find((entry) => isOf(entry, from, 'Update'))
  const before = entries.find((entry) => isOf(entry, applier, 'Apply'))
  const heir = before ?? (old && { ...old, operation: 'Apply', manager: applier })
  return entries.flatMap((entry) => {
    if (entry === (before ?? old)) return [united(heir as JsonObject, old)]
    return isOf(entry, from, 'Update') ? [] : [entry]
  })
}

/**
 * The JSON patch that makes the fields of whoever applied this object from the client those of `applier`, so that later applies can
 * remove them; undefined where nobody did. The patch holds only for the version that was seen.
 */
export const planHandOver = (object: Dynamic, applier: string): JsonObject[] | undefined => {
  const from = [...new Set(ownersOfAnnotation(object, 'Update').map(({ manager }) => String(manager)))]
  if (from.length === 0) return undefined
  const entries = from.reduce<readonly JsonObject[]>(
    (left, manager) => handedOver(left, manager, applier),
    listAt(object, 'metadata.managedFields'),
  )
  return [
    { op: 'replace', path: '/metadata/managedFields', value: entries },
    { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion ?? '' },
  ]
}
