import { type FieldError, invalidValue, isQualifiedName, nameIsDnsLabel } from '@skiff/machinery'
import { namespace as namespaceResource } from '../generated/resources.ts'
import type { Namespace } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const finalizer = 'kubernetes'
const nameLabel = 'kubernetes.io/metadata.name'
const knownFinalizers = ['kubernetes', 'orphan', 'foregroundDeletion']

const finalizerFaults = (namespace: Namespace, path: (index: number) => string): FieldError[] =>
  (namespace.spec.finalizers ?? []).flatMap((name, index) => {
    const faults = isQualifiedName(name).map((message) => invalidValue(path(index), name, message))
    if (name.includes('/') || knownFinalizers.includes(name)) return faults
    return [...faults, invalidValue(path(index), name, 'name is neither a standard finalizer name nor is it fully qualified')]
  })

const withFinalizers = (namespace: Namespace, finalizers: readonly string[] | undefined): Namespace => {
  const { finalizers: _, ...spec } = namespace.spec
  return { ...namespace, spec: finalizers?.length ? { ...spec, finalizers } : spec }
}

const withNameLabel = (namespace: Namespace): Namespace => {
  const { name, labels } = namespace.metadata
  if (!name || labels?.[nameLabel] === name) return namespace
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...labels, [nameLabel]: name } } }
}

export const namespace = defineKind<Namespace>(namespaceResource, {
  generation: false,
  marksDeletionAlone: true,
  validateName: nameIsDnsLabel,
  /** The label lets selectors name a namespace; it comes back whenever someone takes it away. */
  default: withNameLabel,
  prepareForCreate: (next) => {
    const given = next.spec.finalizers ?? []
    const whole = given.includes(finalizer) ? next : withFinalizers(next, [...given, finalizer])
    return { ...withNameLabel(whole), status: { phase: 'Active' } }
  },
  prepareForUpdate: (next, old) => withFinalizers(next, old.spec.finalizers),
  // Upstream's path has no index here, and has one in the finalize subresource.
  createChecksOnUpdate: 1,
  validate: (next) => finalizerFaults(next, () => 'spec.finalizers'),
  subresources: {
    status: {
      // A status that says nothing has the default phase.
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec, status: { ...next.status, phase: next.status?.phase || 'Active' } }),
      validateUpdate: (next) => {
        const ending = next.metadata.deletionTimestamp !== undefined
        const phase = ending ? 'Terminating' : 'Active'
        if (next.status?.phase === phase) return []
        const why = `may only be '${phase}' if \`deletionTimestamp\` is ${ending ? 'not empty' : 'empty'}`
        return [invalidValue('status.Phase', next.status?.phase ?? '', why)]
      },
    },
    finalize: {
      prepareForUpdate: (next, old) => {
        const { status: _, ...rest } = next
        return old.status ? { ...rest, status: old.status } : rest
      },
      validateUpdate: (next) => finalizerFaults(next, (index) => `spec.finalizers[${index}]`),
    },
  },
})
