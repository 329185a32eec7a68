import { eachOf, type Form, filled, given, type Loose, type LooseFields } from './legacy-kind.ts'

const rbac = 'rbac.authorization.k8s.io'

const groupOfVersion = (apiVersion: unknown): string => {
  const text = typeof apiVersion === 'string' ? apiVersion : ''
  return text.includes('/') ? (text.split('/')[0] as string) : ''
}

/** In rbac.authorization.k8s.io/v1alpha1 a subject had a version, and the user `*` was everybody who is known. */
const subjectToStored = ({ apiVersion, ...subject }: LooseFields): LooseFields => {
  const { kind, name } = subject
  if (kind === 'ServiceAccount') return subject
  if (kind === 'User' && name === '*') return { ...subject, kind: 'Group', apiGroup: rbac, name: 'system:authenticated' }
  return given({ ...subject, apiGroup: kind === 'User' || kind === 'Group' ? rbac : groupOfVersion(apiVersion) || undefined })
}

const subjectFromStored = ({ apiGroup = '', ...subject }: LooseFields): LooseFields => {
  const { kind } = subject
  if (kind === 'ServiceAccount' && apiGroup === '') return { ...subject, apiVersion: 'v1' }
  if ((kind === 'User' || kind === 'Group') && apiGroup === rbac) return { ...subject, apiVersion: `${rbac}/v1alpha1` }
  return apiGroup === '' ? subject : { ...subject, apiVersion: `${String(apiGroup)}/` }
}

const withSubjects = (object: Loose, change: (subject: LooseFields) => LooseFields): Loose =>
  (object.subjects ? { ...object, subjects: eachOf(object.subjects, change) } : object) as Loose

const withRoleGroup = (object: Loose): Loose =>
  ({ ...object, roleRef: filled(object.roleRef as LooseFields | undefined, { apiGroup: rbac }) }) as Loose

export const alphaBinding: Form = {
  default: withRoleGroup,
  toStored: (object) => withSubjects(object, subjectToStored),
  fromStored: (object) => withSubjects(object, subjectFromStored),
}

export const betaBinding: Form = { default: withRoleGroup }

/** What stands at the top of a RuntimeClass today was a spec in node.k8s.io/v1alpha1. */
export const alphaRuntimeClass: Form = {
  toStored: ({ spec, ...object }) => {
    const { runtimeHandler, overhead, scheduling } = spec ?? {}
    return given({ ...object, handler: runtimeHandler, overhead, scheduling }) as unknown as Loose
  },
  fromStored: ({ handler, overhead, scheduling, ...object }) =>
    ({ ...object, spec: given({ runtimeHandler: handler, overhead, scheduling }) }) as Loose,
}

const withLimited = (object: Loose, change: (limited: LooseFields) => LooseFields): Loose => {
  const limited = object.spec?.limited as LooseFields | undefined
  return limited ? ({ ...object, spec: { ...object.spec, limited: change(limited) } } as Loose) : object
}

/** Shares were named otherwise, and 0 was none. */
export const assuredShares: Form = {
  default: (object) => withLimited(object, (limited) => ({ ...limited, assuredConcurrencyShares: limited.assuredConcurrencyShares || 30 })),
  toStored: (object) =>
    withLimited(object, ({ assuredConcurrencyShares, ...limited }) =>
      given({ ...limited, nominalConcurrencyShares: assuredConcurrencyShares }),
    ),
  fromStored: (object) =>
    withLimited(object, ({ nominalConcurrencyShares, ...limited }) =>
      given({ ...limited, assuredConcurrencyShares: nominalConcurrencyShares }),
    ),
}

const keepZero = 'flowcontrol.k8s.io/preserve-zero-concurrency-shares'

const withoutKeepZero = (object: Loose): Loose => {
  const { annotations, ...metadata } = object.metadata
  if (annotations?.[keepZero] === undefined) return object
  const { [keepZero]: _, ...others } = annotations
  return { ...object, metadata: Object.keys(others).length > 0 ? { ...metadata, annotations: others } : metadata } as Loose
}

/** In v1beta3, 0 shares were asked for by an annotation. */
export const nominalShares: Form = {
  default: (object) =>
    object.metadata.annotations?.[keepZero] === undefined
      ? withLimited(object, (limited) => ({ ...limited, nominalConcurrencyShares: limited.nominalConcurrencyShares || 30 }))
      : withLimited(object, (limited) => filled(limited, { nominalConcurrencyShares: 0 })),
  toStored: withoutKeepZero,
  fromStored: (object) => {
    const limited = object.spec?.limited as { readonly nominalConcurrencyShares?: number } | undefined
    if (limited?.nominalConcurrencyShares !== 0) return object
    return { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [keepZero]: '' } } } as Loose
  },
}

/** In authorization.k8s.io/v1beta1 a subject's groups were its `group`. */
export const subjectReview: Form = {
  toStored: (object) => {
    const { group, ...spec } = object.spec ?? {}
    return { ...object, spec: given({ ...spec, groups: group }) } as Loose
  },
  fromStored: (object) => {
    const { groups, ...spec } = object.spec ?? {}
    return { ...object, spec: given({ ...spec, group: groups }) } as Loose
  },
}
