import { type Form, filled, type Loose, type LooseFields } from './legacy-kind.ts'

// Workloads of extensions/v1beta1, apps/v1beta1 and apps/v1beta2, which are stored as apps/v1.

const most = 2_147_483_647

const templateLabels = ({ spec }: Loose): LooseFields | undefined => {
  const template = spec?.template as { readonly metadata?: { readonly labels?: LooseFields } } | undefined
  return template?.metadata?.labels
}

/** Labels and selector that were not given are those of the template. */
const labelled = (object: Loose): Loose => {
  const labels = templateLabels(object)
  if (!labels) return object
  const own = Object.keys(object.metadata.labels ?? {}).length > 0
  return {
    ...object,
    metadata: own ? object.metadata : { ...object.metadata, labels: labels as Readonly<Record<string, string>> },
    spec: filled(object.spec, { selector: { matchLabels: labels } }),
  } as Loose
}

const withSpec = (object: Loose, defaults: LooseFields): Loose => ({ ...object, spec: filled(object.spec, defaults) }) as Loose

/** The parameters of a rolling update, filled where it is one. */
const withRolling = (object: Loose, field: 'strategy' | 'updateStrategy', type: string, rolling: LooseFields, always = false): Loose => {
  const strategy = filled(object.spec?.[field] as LooseFields | undefined, { type })
  const given = strategy.rollingUpdate as LooseFields | undefined
  if (strategy.type !== 'RollingUpdate' && !(always && given))
    return withSpec({ ...object, spec: { ...object.spec, [field]: strategy } }, {})
  return { ...object, spec: { ...object.spec, [field]: { ...strategy, rollingUpdate: filled(given, rolling) } } } as Loose
}

/** What a workload made stayed by default when it was deleted. */
export const orphaning: Form = { behaviour: () => ({ defaultPropagation: 'Orphan' }) }

const rollbackNote = 'deprecated.deployment.rollback.to'
const generationNote = 'deprecated.daemonset.template.generation'

type Annotations = Readonly<Record<string, string>>
const withNote = (object: Loose, name: string, value: string | undefined): Loose => {
  const { [name]: _, ...others } = (object.metadata.annotations ?? {}) as Annotations
  const annotations = value === undefined ? others : { ...others, [name]: value }
  const { annotations: __, ...metadata } = object.metadata
  return { ...object, metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata } as Loose
}

/** What was a field of the spec is an annotation today. */
const noted = (field: string, name: string, read: (text: string) => unknown, write: (value: unknown) => string | undefined): Form => ({
  toStored: (object) => {
    const { [field]: value, ...spec } = object.spec ?? {}
    return withNote({ ...object, spec } as Loose, name, write(value))
  },
  fromStored: (object) => {
    const text = object.metadata.annotations?.[name]
    const value = text === undefined ? undefined : read(text)
    if (value === undefined) return object
    return withNote({ ...object, spec: { ...object.spec, [field]: value } } as Loose, name, undefined)
  },
})

const whole = /^-?\d+$/
const rollback = noted(
  'rollbackTo',
  rollbackNote,
  (text) => (whole.test(text) ? { revision: Number(text) } : undefined),
  (value) => (value === undefined ? undefined : String((value as { readonly revision?: number }).revision ?? 0)),
)
const templateGeneration = noted(
  'templateGeneration',
  generationNote,
  (text) => (whole.test(text) ? Number(text) : undefined),
  (value) => (value === undefined ? undefined : String(value)),
)

export const extensionsDeployment: Form = {
  ...orphaning,
  ...rollback,
  default: (object) =>
    withSpec(withRolling(labelled(object), 'strategy', 'RollingUpdate', { maxUnavailable: 1, maxSurge: 1 }, true), {
      replicas: 1,
      progressDeadlineSeconds: most,
      revisionHistoryLimit: most,
    }),
}

export const appsV1beta1Deployment: Form = {
  ...orphaning,
  ...rollback,
  default: (object) => withSpec(labelled(object), { revisionHistoryLimit: 2 }),
}

export const extensionsDaemonSet: Form = {
  ...orphaning,
  ...templateGeneration,
  default: (object) => withRolling(labelled(object), 'updateStrategy', 'OnDelete', { maxUnavailable: 1 }),
}

export const extensionsReplicaSet: Form = { ...orphaning, default: labelled }

export const appsV1beta1StatefulSet: Form = {
  ...orphaning,
  default: (object) => {
    const next = labelled(object)
    const strategy = filled(next.spec?.updateStrategy as LooseFields | undefined, { type: 'OnDelete' })
    return { ...next, spec: { ...next.spec, updateStrategy: strategy } } as Loose
  },
}
