import { addFaults, at, type FieldError, forbiddenField, invalidValue, item, quoted, required, tooLong } from '../field.ts'
import { sameJson } from '../json/value.ts'
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../meta.ts'
import { splitApiVersion } from '../meta.ts'
import { type Complaints, isDns1035Label, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from './syntax.ts'

/** Complaints about a name, or about the beginning of one that will be generated. */
export type NameCheck = (name: string, prefix: boolean) => Complaints

/** A generated name goes on after a dash, so that a trailing one is as good as a letter. */
const maskDash = (name: string, prefix: boolean): string =>
  prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name

export const nameIsDnsSubdomain: NameCheck = (name, prefix) => isDns1123Subdomain(maskDash(name, prefix))
export const nameIsDnsLabel: NameCheck = (name, prefix) => isDns1123Label(maskDash(name, prefix))
export const nameIsDns1035Label: NameCheck = (name, prefix) => isDns1035Label(maskDash(name, prefix))
/** Names that only have to fit into a path: RBAC objects, CSRs. */
export const nameIsPathSegment: NameCheck = (name, prefix) => {
  const complaints = ['/', '%'].filter((mark) => name.includes(mark)).map((mark) => `may not contain '${mark}'`)
  return !prefix && (name === '.' || name === '..') ? [`may not be '${name}'`] : complaints
}

const maxAnnotationsBytes = 256 * 1024
const maxManagerBytes = 128
const maxSubresourceBytes = 256
const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])

const complain = (errors: FieldError[], field: string, value: unknown, complaints: Complaints): void => {
  for (const complaint of complaints) errors.push(invalidValue(field, value, complaint))
}

export const validateLabelName = (name: string, field: string): FieldError[] =>
  isQualifiedName(name).map((complaint) => invalidValue(field, name, complaint))

export const validateLabels = (labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const key in labels) {
    complain(errors, field, key, isQualifiedName(key))
    complain(errors, field, labels[key], isLabelValue(labels[key] as string))
  }
  return errors
}

export const validateAnnotations = (annotations: Readonly<Record<string, string>> | undefined, field: string): FieldError[] => {
  const errors: FieldError[] = []
  let chars = 0
  for (const key in annotations) {
    complain(errors, field, key, isQualifiedName(key.toLowerCase()))
    chars += key.length + (annotations[key] as string).length
  }
  // A character is three bytes at most, so that few objects need counting.
  if (chars * 3 > maxAnnotationsBytes && bytesOf(annotations) > maxAnnotationsBytes) errors.push(tooLong(field, '', maxAnnotationsBytes))
  return errors
}
const bytesOf = (map: Readonly<Record<string, string>> | undefined): number =>
  Object.entries(map ?? {}).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)

/** An owner as Go prints it; where Go shows an address, this shows the value. */
const goOwner = ({ apiVersion = '', kind = '', name = '', uid = '', controller, blockOwnerDeletion }: OwnerReference): string => {
  const pointer = (value: boolean | undefined) => `(*bool)(${value ?? 'nil'})`
  const names = `APIVersion:${quoted(apiVersion)}, Kind:${quoted(kind)}, Name:${quoted(name)}, UID:${quoted(uid)}`
  return `v1.OwnerReference{${names}, Controller:${pointer(controller)}, BlockOwnerDeletion:${pointer(blockOwnerDeletion)}}`
}

export const validateOwnerReferences = (owners: readonly OwnerReference[] | undefined, field: string): FieldError[] => {
  const errors: FieldError[] = []
  let controller: OwnerReference | undefined
  for (const owner of owners ?? []) {
    const apiVersion = owner.apiVersion ?? ''
    // What Go cannot read as a group and a version has neither.
    const { group, version } = /^[^/]*(\/[^/]*)?$/.test(apiVersion) ? splitApiVersion(apiVersion) : { group: '', version: '' }
    if (version === '') errors.push(invalidValue(at(field, 'apiVersion'), owner.apiVersion ?? '', 'version must not be empty'))
    for (const part of ['kind', 'name', 'uid'] as const)
      if (!owner[part]) errors.push(invalidValue(at(field, part), '', `${part} must not be empty`))
    if (group === '' && version === 'v1' && owner.kind === 'Event')
      errors.push({
        reason: 'FieldValueInvalid',
        field,
        body: `Invalid value: ${goOwner(owner)}: /v1, Kind=Event is disallowed from being an owner`,
      })
    if (owner.controller !== true) continue
    if (controller)
      errors.push(
        invalidValue(
          field,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`,
        ),
      )
    else controller = owner
  }
  return errors
}

/** `strict` as the built-in kinds have it: a finalizer without a prefix must be one of Kubernetes' own. */
export const validateFinalizers = (finalizers: readonly string[] | undefined, field: string, strict: boolean): FieldError[] => {
  if (!finalizers) return []
  const errors: FieldError[] = []
  for (const finalizer of finalizers) complain(errors, field, finalizer, isQualifiedName(finalizer))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push({
      reason: 'FieldValueInvalid',
      field,
      body: `Invalid value: []string{${finalizers.map(quoted).join(', ')}}: finalizer orphan and foregroundDeletion cannot be both set`,
    })
  if (strict)
    finalizers.forEach((finalizer, i) => {
      if (!finalizer.includes('/') && !standardFinalizers.has(finalizer))
        errors.push(invalidValue(item(field, i), finalizer, 'name is neither a standard finalizer name nor is it fully qualified'))
    })
  return errors
}

export const validateFieldManager = (manager: string, field: string): FieldError[] => {
  const errors: FieldError[] = []
  if (Buffer.byteLength(manager) > maxManagerBytes) errors.push(tooLong(field, manager, maxManagerBytes))
  let position = 0
  for (const char of manager) {
    // Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(char)) {
      const code = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')
      errors.push(invalidValue(field, manager, `invalid character U+${code} (at position ${position})`))
    }
    position += Buffer.byteLength(char)
  }
  return errors
}

export const validateManagedFields = (entries: readonly ManagedFieldsEntry[] | undefined, field: string): FieldError[] =>
  (entries ?? []).flatMap((entry, i) => {
    const errors: FieldError[] = []
    const path = item(field, i)
    if (entry.operation !== 'Apply' && entry.operation !== 'Update')
      errors.push(invalidValue(at(path, 'operation'), entry.operation ?? '', 'must be `Apply` or `Update`'))
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1')
      errors.push(invalidValue(at(path, 'fieldsType'), entry.fieldsType, 'must be `FieldsV1`'))
    addFaults(errors, validateFieldManager(entry.manager ?? '', at(path, 'manager')))
    if (Buffer.byteLength(entry.subresource ?? '') > maxSubresourceBytes)
      errors.push(tooLong(at(path, 'subresource'), entry.subresource, maxSubresourceBytes))
    return errors
  })

const validateNamespace = (namespace: string | undefined, namespaced: boolean, field: string): FieldError[] => {
  if (!namespaced) return namespace ? [forbiddenField(field, 'not allowed on this type')] : []
  if (!namespace) return [required(field)]
  return isDns1123Label(namespace).map((complaint) => invalidValue(field, namespace, complaint))
}

/** apimachinery's ValidateObjectMeta, after a name was generated. `strictFinalizers` for the built-in kinds. */
export const validateObjectMeta = (
  meta: Partial<ObjectMeta>,
  namespaced: boolean,
  checkName: NameCheck,
  field = 'metadata',
  strictFinalizers = true,
): FieldError[] => {
  const errors: FieldError[] = []
  if (meta.generateName) complain(errors, at(field, 'generateName'), meta.generateName, checkName(meta.generateName, true))
  if (!meta.name) errors.push(required(at(field, 'name'), 'name or generateName is required'))
  else complain(errors, at(field, 'name'), meta.name, checkName(meta.name, false))
  addFaults(errors, validateNamespace(meta.namespace, namespaced, at(field, 'namespace')))
  if ((meta.generation ?? 0) < 0) errors.push(invalidValue(at(field, 'generation'), meta.generation, 'must be greater than or equal to 0'))
  addFaults(errors, sharedChecks(meta, field))
  addFaults(errors, validateFinalizers(meta.finalizers, at(field, 'finalizers'), strictFinalizers))
  addFaults(errors, validateManagedFields(meta.managedFields, at(field, 'managedFields')))
  return errors
}

const sharedChecks = (meta: Partial<ObjectMeta>, field: string): FieldError[] => [
  ...validateLabels(meta.labels, at(field, 'labels')),
  ...validateAnnotations(meta.annotations, at(field, 'annotations')),
  ...validateOwnerReferences(meta.ownerReferences, at(field, 'ownerReferences')),
]

export const fieldIsImmutable = 'field is immutable'
const immutable = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/** apimachinery's ValidateObjectMetaUpdate. */
export const validateObjectMetaUpdate = (next: Partial<ObjectMeta>, old: Partial<ObjectMeta>, field = 'metadata'): FieldError[] => {
  const errors: FieldError[] = []
  if (old.deletionTimestamp) addFaults(errors, noNewFinalizers(next.finalizers ?? [], old.finalizers ?? [], at(field, 'finalizers')))
  if (!next.resourceVersion) errors.push(invalidValue(at(field, 'resourceVersion'), '', 'must be specified for an update'))
  if ((next.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalidValue(at(field, 'generation'), next.generation ?? 0, 'must not be decremented'))
  for (const name of immutable)
    if (!sameJson(next[name] ?? '', old[name] ?? '')) errors.push(immutableField(at(field, name), name, next[name]))
  addFaults(errors, sharedChecks(next, field))
  addFaults(errors, validateManagedFields(next.managedFields, at(field, 'managedFields')))
  return errors
}

const immutableField = (field: string, name: (typeof immutable)[number], value: string | number | undefined): FieldError =>
  typeof value === 'string' && name.endsWith('Timestamp')
    ? {
        reason: 'FieldValueInvalid',
        field,
        body: `Invalid value: ${value.replace('T', ' ').replace('Z', ' +0000 UTC')}: ${fieldIsImmutable}`,
      }
    : invalidValue(field, value ?? '', fieldIsImmutable)

/** An object that is going away takes no more finalizers. */
const noNewFinalizers = (next: readonly string[], old: readonly string[], field: string): FieldError[] => {
  const before = new Set(old)
  const added = [...new Set(next)].filter((each) => !before.has(each)).sort()
  if (added.length === 0) return []
  const shown = `[]string{${added.map((each) => JSON.stringify(each)).join(', ')}}`
  return [forbiddenField(field, `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`)]
}
