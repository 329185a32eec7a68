/** What the conditions of every kind have in common. */
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

export const conditionOf = <C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined =>
  conditions?.find((condition) => condition.type === type)

export const withoutCondition = <C extends Condition>(conditions: readonly C[] | undefined, type: string): readonly C[] =>
  (conditions ?? []).filter((condition) => condition.type !== type)

/**
 * Upstream's rule for the workload kinds: a condition of the same status and reason is left alone, message and all; one of the same
 * status keeps its transition time. A changed one goes to the end.
 */
export const withCondition = <C extends Condition>(conditions: readonly C[] | undefined, next: C): readonly C[] => {
  const held = conditionOf(conditions, next.type)
  if (held && held.status === next.status && held.reason === next.reason) return conditions ?? []
  const kept = held && held.status === next.status && held.lastTransitionTime ? { lastTransitionTime: held.lastTransitionTime } : {}
  return [...withoutCondition(conditions, next.type), { ...next, ...kept }]
}
