import type { ClusterRole } from '@skiff/api'
import { clusterRole as clusterRoles } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type Controller, watching } from '../runner/controller.ts'
import { type Steps, update } from '../runner/step.ts'
import { canonical, same } from '../same.ts'
import { selects } from '../selector.ts'

/** The rules of all other roles that the aggregation rule selects, by name of role, each rule once. */
export const aggregatedRules = (role: ClusterRole, all: Iterable<ClusterRole>): NonNullable<ClusterRole['rules']> => {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? []
  const chosen = [...all]
    .filter((one) => one.metadata.name !== role.metadata.name && selectors.some((selector) => selects(selector, one.metadata.labels)))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  const rules = new Map(chosen.flatMap((one) => (one.rules ?? []).map((rule) => [canonical(rule), rule] as const)))
  return [...rules.values()]
}

export const planAggregation = (role: ClusterRole, views: Views): Steps => {
  if (!role.aggregationRule || role.metadata.deletionTimestamp !== undefined) return []
  const rules = aggregatedRules(role, views.view(clusterRoles).list())
  return same(rules, role.rules) ? [] : [update(clusterRoles, { ...role, rules })]
}

export const clusterRoleAggregationController = (): Controller => {
  // A role may be selected by any other: each change concerns all that aggregate.
  const aggregating = (views: Views): string[] =>
    [...views.view(clusterRoles).list()].filter((role) => role.aggregationRule).map((role) => role.metadata.name)
  const watches = [
    watching<ClusterRole>({
      resource: clusterRoles,
      keys: ({ before, after }, views) =>
        same(
          [before?.rules, before?.metadata.labels, before?.aggregationRule],
          [after?.rules, after?.metadata.labels, after?.aggregationRule],
        )
          ? []
          : aggregating(views),
    }),
  ]
  return {
    name: 'clusterrole-aggregation-controller',
    account: 'clusterrole-aggregation-controller',
    component: 'clusterrole-aggregation-controller',
    watches: () => watches,
    plan: (name, views) => {
      const role = views.view(clusterRoles).get(name)
      return role ? planAggregation(role, views) : []
    },
  }
}
