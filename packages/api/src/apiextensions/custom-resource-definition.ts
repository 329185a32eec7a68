import { invalidValue, isDns1123Subdomain, required } from '@skiff/machinery'
import { checkImmutable, checkOneOf, collect, type Faults, invalidShown, same } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { withDefaults, withField } from '../defaults/patch.ts'
import { customResourceDefinition as resource } from '../generated/resources.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { withOldMetadata } from '../prepare.ts'
import { approvalFault } from './approval.ts'
import { checkConversion, hasBadBundle } from './conversion.ts'
import { checkNames } from './names.ts'
import type { Known } from './root-schema.ts'
import { checkSharedParts, checkVersions } from './versions.ts'

const storageVersion = ({ versions }: CustomResourceDefinitionSpec): string | undefined => versions?.find(({ storage }) => storage)?.name

const withSpecDefaults = (object: CustomResourceDefinition): CustomResourceDefinition => {
  const { names, conversion } = object.spec
  const kind = names?.kind
  const named = kind && names ? withDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` }) : names
  let spec = withField(object.spec, 'names', named)
  if (conversion === undefined) spec = { ...spec, conversion: { strategy: 'None' } }
  return withSomeStoredVersion(withField(object, 'spec', spec))
}

/** A status without stored versions is one of objects that are stored as the definition says now. */
const withSomeStoredVersion = (object: CustomResourceDefinition): CustomResourceDefinition =>
  object.status === undefined || (object.status.storedVersions ?? []).length > 0 ? object : withStoredVersion(object)

/** The version in which objects are stored joins those in which some may be. */
const withStoredVersion = (object: CustomResourceDefinition): CustomResourceDefinition => {
  const version = storageVersion(object.spec)
  const stored = object.status?.storedVersions ?? []
  if (version === undefined || stored.includes(version)) return object
  return { ...object, status: { ...object.status, storedVersions: [...stored, version] } }
}

const checkSpec = (faults: Faults, spec: CustomResourceDefinitionSpec, old?: CustomResourceDefinition): void => {
  const known: Known = { unchanged: unchangedSchemas(spec, old?.spec) }
  const { group = '', names } = spec
  const complaints = isDns1123Subdomain(group)
  if (group === '') faults.push(required('spec.group'))
  else if (complaints.length > 0) faults.push(invalidValue('spec.group', group, complaints.join(',')))
  else if (!group.includes('.')) faults.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'))
  checkOneOf(faults, spec.scope, ['Cluster', 'Namespaced'], 'spec.scope')
  checkVersions(faults, spec, known)
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names?.[field]) faults.push(required(`spec.names.${field}`))
  checkNames(faults, names ?? {}, 'spec.names')
  checkSharedParts(faults, spec, known)
  if (spec.conversion)
    checkConversion(faults, spec.conversion, old !== undefined && isEstablished(old) && !hasBadBundle(old.spec.conversion))
}

/** Versions whose schema an update leaves as it was. */
const unchangedSchemas = (spec: CustomResourceDefinitionSpec, old: CustomResourceDefinitionSpec | undefined): ReadonlySet<string> =>
  new Set(
    (spec.versions ?? [])
      .filter(({ name, schema }) => old?.versions?.some((before) => before.name === name && same(before.schema, schema)))
      .map(({ name }) => name),
  )

const checkName = (faults: Faults, { metadata, spec }: CustomResourceDefinition): void => {
  for (const field of ['generateName', 'name'] as const) {
    const name = metadata[field] ?? ''
    if (name !== '' && name !== `${spec.names?.plural ?? ''}.${spec.group ?? ''}`)
      faults.push(invalidValue(`metadata.${field}`, name, 'must be spec.names.plural+"."+spec.group'))
  }
}

const checkStatus = (faults: Faults, { spec, status }: CustomResourceDefinition): void => {
  checkNames(faults, status?.acceptedNames ?? {}, 'status.acceptedNames')
  checkStoredVersions(faults, spec, status?.storedVersions ?? [])
}

const checkStoredVersions = (faults: Faults, spec: CustomResourceDefinitionSpec, stored: readonly string[]): void => {
  const path = 'status.storedVersions'
  if (stored.length === 0) {
    faults.push(invalidShown(path, goStrings(stored), 'must have at least one stored version'))
    return
  }
  const version = storageVersion(spec)
  if (version !== undefined && !stored.includes(version)) {
    faults.push(invalidShown(path, goStrings(stored), `must have the storage version ${version}`))
  }
  stored.forEach((each, index) => {
    if (!spec.versions?.some(({ name }) => name === each))
      faults.push(
        invalidValue(
          `${path}[${index}]`,
          each,
          `missing from spec.versions; ${each} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${each} and removes ${each} from status.storedVersions`,
        ),
      )
  })
}

const checkApproval = (faults: Faults, next: CustomResourceDefinition, old?: CustomResourceDefinition): void => {
  const fault = approvalFault(next)
  // A fault that was there before is not held against an update.
  if (fault && !(old && approvalFault(old)?.reason === fault.reason)) faults.push(fault)
}

const checkPreserved = (faults: Faults, { spec }: CustomResourceDefinition, old?: CustomResourceDefinition): void => {
  if (!spec.preserveUnknownFields || old?.spec.preserveUnknownFields) return
  const detail = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
  faults.push(invalidValue('spec.preserveUnknownFields', true, detail))
}

const isEstablished = ({ status }: CustomResourceDefinition): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === 'Established' && value === 'True') ?? false

const cleanup = 'customresourcecleanup.apiextensions.k8s.io'

/** A definition stays until its objects are gone. */
const markedForDeletion = (object: CustomResourceDefinition, now: string): CustomResourceDefinition => {
  const { finalizers = [] } = object.metadata
  const pending = {
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
    lastTransitionTime: now,
  }
  const conditions = [...(object.status?.conditions ?? []).filter(({ type }) => type !== 'Terminating'), pending]
  return {
    ...object,
    metadata: { ...object.metadata, finalizers: finalizers.includes(cleanup) ? finalizers : [...finalizers, cleanup] },
    status: { ...object.status, conditions } as CustomResourceDefinition['status'],
  } as CustomResourceDefinition
}

export const customResourceDefinition = defineKind<CustomResourceDefinition>(resource, {
  requireResourceVersion: true,
  marksDeletionAlone: true,
  ignoredFields: { status: ['spec', 'metadata'] },
  default: withSpecDefaults,
  prepareForCreate: ({ status: _, ...next }) => withStoredVersion(next),
  prepareForUpdate: withStoredVersion,
  validate: (next) =>
    collect((faults) => {
      checkName(faults, next)
      checkSpec(faults, next.spec)
      checkStatus(faults, next)
      checkApproval(faults, next)
      checkPreserved(faults, next)
    }),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec, old)
      if (isEstablished(old)) {
        checkImmutable(faults, next.spec.scope ?? '', old.spec.scope ?? '', 'spec.scope')
        checkImmutable(faults, next.spec.names?.kind ?? '', old.spec.names?.kind ?? '', 'spec.names.kind')
      }
      checkImmutable(faults, next.spec.group ?? '', old.spec.group ?? '', 'spec.group')
      checkImmutable(faults, next.spec.names?.plural ?? '', old.spec.names?.plural ?? '', 'spec.names.plural')
      checkStatus(faults, next)
      checkApproval(faults, next, old)
      checkPreserved(faults, next, old)
    }),
  prepareForDelete: (object, now) => markedForDeletion(object, now),
  subresources: {
    status: {
      // The finalizer that waits for the definition's objects is taken away with the status.
      prepareForUpdate: (next, old) => withOldMetadata({ ...next, spec: old.spec }, old, ['labels', 'annotations', 'ownerReferences']),
      validateUpdate: ({ status }) => collect((faults) => checkNames(faults, status?.acceptedNames ?? {}, 'status.acceptedNames')),
    },
  },
})
