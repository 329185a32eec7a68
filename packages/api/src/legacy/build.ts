import type { FieldError, KubeObject, ObjectSchema } from '@skiff/machinery'
import type { Codec, Conversion, Kind } from '../catalogue.ts'
import { type ResourceFacts, resourceFacts, typeFacts } from '../facts.ts'
import type { Behaviour, SubresourceBehaviour } from '../kind.ts'
import { legacyKinds } from './kinds.ts'
import type { Form, LegacyKind, Lifecycle, Loose } from './legacy-kind.ts'
import { forOlderControllers } from './older-controllers.ts'
import { scaleForm, scaleVersions } from './scale.ts'
import { withoutZeros } from './without-zeros.ts'

/** What is served today: the built-in kinds, and how one is made of facts alone. */
export interface ServedKinds {
  readonly kinds: readonly Kind[]
  readonly scaleKind: Kind
  readonly kindOf: (facts: ResourceFacts) => Kind
  readonly schemaOf: (typeName: string) => ObjectSchema
}

export interface LegacyKinds {
  /** The kinds of today, as controllers of those times may write them too. */
  readonly served: readonly Kind[]
  readonly kinds: readonly Kind[]
  /** Scale in the versions that had one of their own, converted to and from autoscaling/v1. */
  readonly scales: readonly Kind[]
}

export const buildLegacyKinds = (builtins: ServedKinds): LegacyKinds => {
  const served = new Map(builtins.kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
  const facts = new Map(resourceFacts.map((each) => [`${each.group}/${each.version}/${each.plural}`, each]))
  const kinds = legacyKinds.flatMap((entry) => {
    const like = served.get(entry.of)
    if (!like) return []
    const stored = like.conversion ? (builtins.kinds.find((kind) => kind.storedAs === like.storedAs && !kind.conversion) as Kind) : like
    return legacyKindOf(builtins, entry, like, stored, facts.get(entry.of) as ResourceFacts)
  })
  return {
    served: builtins.kinds.map(forOlderControllers),
    kinds,
    scales: scaleVersions.map((apiVersion) => scaleKindOf(builtins, apiVersion)),
  }
}

const legacyKindOf = (builtins: ServedKinds, entry: LegacyKind, like: Kind, stored: Kind, facts: ResourceFacts): Kind => {
  const { group, version } = entry
  const type = entry.type ?? facts.type.replace(/\.\w+\.(\w+)$/, `.${version}.$1`)
  const base = builtins.kindOf(factsOf(entry, facts, type))
  const conversion = conversionOf(entry, base, stored)
  const kind: Kind = {
    ...base,
    preferred: false,
    codec: codecOf(entry, builtins.schemaOf(type), base, stored, conversion),
    behaviour: { ...(like.behaviour.ignoredFields ? { ignoredFields: like.behaviour.ignoredFields } : {}) },
    storedAs: stored.storedAs,
    conversion,
    selectable: like.selectable,
    selectableDefault: like.selectableDefault,
    field: like.field,
    ...(entry.lifecycle ? { deprecation: deprecationOf(`${group}/${version} ${like.kind}`, entry.lifecycle) } : {}),
  }
  return Object.assign(kind, { writtenAs: { ...stored, behaviour: behaviourOf(entry, stored.behaviour), askedAs: kind } })
}

/** Scales and rollbacks are of the resource's own version. */
const factsOf = ({ group, version, rollback }: LegacyKind, facts: ResourceFacts, type: string): ResourceFacts => ({
  ...facts,
  group,
  version,
  // `all` means each workload once.
  categories: group === 'extensions' ? [] : (facts.categories ?? []),
  type,
  listType: `${type}List` in typeFacts ? `${type}List` : '',
  subresources: [
    ...(facts.subresources ?? []).map((part) => (part.name === 'scale' ? { ...part, group, version } : part)),
    ...(rollback ? [{ name: 'rollback', kind: 'DeploymentRollback', verbs: ['create'] }] : []),
  ],
})

/** The served version's own conversion, where it is not the stored one, is part of the way. */
const conversionOf = ({ toStored, fromStored }: Form, base: Kind, stored: Kind): Conversion => ({
  toStored: (object) => named(toStored ? toStored(object as Loose) : object, stored),
  fromStored: (object) => named(fromStored ? fromStored(object as Loose) : object, base),
})

const named = (object: KubeObject, { apiVersion, kind }: Kind): KubeObject => ({ ...object, apiVersion, kind })

/** Defaulting in this version, then in the stored one, as upstream has it of what it reads back from the store. */
const codecOf = ({ default: own }: Form, schema: ObjectSchema, base: Kind, stored: Kind, { toStored, fromStored }: Conversion): Codec => ({
  ...base.codec,
  decode: (input) => {
    const { object, hasUnknown } = base.codec.decode(input)
    const given = withoutZeros(schema, object as Loose) as Loose
    const whole = toStored(own ? own(given) : given)
    return { object: fromStored(stored.codec.decode(whole as unknown as Record<string, unknown>).object), hasUnknown }
  },
})

const behaviourOf = ({ fault, more, behaviour }: Form, stored: Behaviour): Behaviour => {
  const whole = { ...stored, ...behaviour?.(stored) }
  if (!fault && !more) return whole
  const told = (faults: readonly FieldError[], next: KubeObject, old?: KubeObject): readonly FieldError[] => {
    const own = fault ? faults.flatMap((each) => fault(each, next) ?? []) : faults
    return more ? [...more(next, old), ...own] : own
  }
  const { validate, validateUpdate, subresources = {} } = whole
  const parts = Object.entries(subresources).map(([name, { validateUpdate: check, ...part }]): [string, SubresourceBehaviour] => [
    name,
    { ...part, ...(check && fault ? { validateUpdate: (next, old) => check(next, old).flatMap((each) => fault(each, next) ?? []) } : {}) },
  ])
  return {
    ...whole,
    validate: (next) => told(validate?.(next) ?? [], next),
    validateUpdate: (next, old) => told(validateUpdate?.(next, old) ?? validate?.(next) ?? [], next, old),
    subresources: Object.fromEntries(parts),
  }
}

/** Upstream's sentence of a Warning header. */
const deprecationOf = (what: string, { deprecated, removed, use }: Lifecycle): string =>
  `${what} is deprecated in v1.${deprecated}+, unavailable in v1.${removed}+${use ? `; use ${use}` : ''}`

const scaleKindOf = (builtins: ServedKinds, apiVersion: string): Kind => {
  const [group = '', version = ''] = apiVersion.split('/')
  const type = `io.k8s.api.${group}.${version}.Scale`
  const names = { kind: 'Scale', plural: 'scales', singular: '', listKind: '', listType: '', verbs: [], namespaced: true }
  const base = builtins.kindOf({ ...names, group, version, type })
  return { ...base, conversion: conversionOf(scaleForm, base, builtins.scaleKind) }
}
