import {
  approvalOf,
  type CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
  type CustomResourceDefinitionNames,
} from '@skiff/api'

type Names = Partial<CustomResourceDefinitionNames>

/** What kinds of a group are called already. */
export interface Taken {
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

/** The names that every other definition of the group was granted. */
export const takenBy = (definitions: Iterable<CustomResourceDefinition>, { metadata, spec }: CustomResourceDefinition): Taken => {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const other of definitions) {
    if (other.spec.group !== spec.group || other.metadata.name === metadata.name) continue
    const { plural, singular, shortNames = [], kind, listKind } = other.status?.acceptedNames ?? ({} as Names)
    for (const name of [plural, singular, ...shortNames]) if (name) resources.add(name)
    for (const name of [kind, listKind]) if (name) kinds.add(name)
  }
  return { resources, kinds }
}

interface Verdict {
  readonly accepted: Names
  readonly conflict: { readonly reason: string; readonly message: string } | undefined
}

/** Grants what nobody else has; a definition keeps what it was granted before. */
const judge = (wanted: Names, before: Names, taken: Taken): Verdict => {
  const accepted: { -readonly [K in keyof Names]: Names[K] } = { ...before, plural: before.plural ?? '', kind: before.kind ?? '' }
  let conflict: Verdict['conflict']
  const refuse = (reason: string, names: readonly string[]) => {
    conflict = { reason, message: names.map((name) => `${JSON.stringify(name)} is already in use`).join(', ') }
  }
  const grant = (field: 'plural' | 'singular' | 'kind' | 'listKind', from: ReadonlySet<string>, reason: string) => {
    const name = wanted[field]
    if (name && from.has(name) && before[field] !== name) refuse(reason, [name])
    else if (name !== undefined) accepted[field] = name
    else delete accepted[field]
  }
  grant('plural', taken.resources, 'PluralConflict')
  grant('singular', taken.resources, 'SingularConflict')
  const clashing = (wanted.shortNames ?? []).filter((name) => taken.resources.has(name) && !before.shortNames?.includes(name))
  if (clashing.length > 0) refuse('ShortNamesConflict', clashing)
  else if (wanted.shortNames) accepted.shortNames = wanted.shortNames
  else delete accepted.shortNames
  grant('kind', taken.kinds, 'KindConflict')
  grant('listKind', taken.kinds, 'ListKindConflict')
  if (wanted.categories) accepted.categories = wanted.categories
  else delete accepted.categories
  return { accepted, conflict }
}

type Condition = CustomResourceDefinitionCondition

/** Replaces a condition; its time moves with its status alone. */
export const withCondition = (
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): readonly Condition[] => {
  const held = conditions.find(({ type }) => type === next.type)
  const lastTransitionTime = held?.status === next.status ? (held.lastTransitionTime ?? now) : now
  const whole = { ...next, lastTransitionTime } as Condition
  return held ? conditions.map((each) => (each === held ? whole : each)) : [...conditions, whole]
}

export const hasCondition = (definition: CustomResourceDefinition, type: string): boolean =>
  definition.status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false

/** A definition whose names are granted is installed first and established by the write after. */
const nextEstablished = (held: Condition | undefined, conflicts: boolean) => {
  if (conflicts) return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
  const installed = held?.reason === 'Installing'
  const [status, reason] = installed ? ['True', 'InitialNamesAccepted'] : ['False', 'Installing']
  return { type: 'Established', status, reason, message: 'the initial names have been accepted' }
}

/** The status that a definition should have: granted names and whether it is served. Once established, it stays so. */
export const planStatus = (definition: CustomResourceDefinition, taken: Taken, now: string): CustomResourceDefinition['status'] => {
  const status = definition.status ?? ({} as Partial<NonNullable<CustomResourceDefinition['status']>>)
  const { accepted, conflict } = judge(definition.spec.names ?? ({} as Names), status.acceptedNames ?? ({} as Names), taken)
  const named = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const established = definition.status?.conditions?.find(({ type }) => type === 'Established')
  const served = established?.status === 'True' ? established : nextEstablished(established, conflict !== undefined)
  const approval = approvalOf(definition)
  const approved = approval && {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: approval.reason === 'ApprovedAnnotation' ? 'True' : 'False',
    ...approval,
  }
  const conditions = [named, served, ...(approved ? [approved] : [])].reduce(
    (held, next) => withCondition(held, next as Condition, now),
    status.conditions ?? [],
  )
  return { ...status, conditions, acceptedNames: accepted } as CustomResourceDefinition['status']
}
