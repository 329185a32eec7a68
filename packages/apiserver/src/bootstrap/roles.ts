import type { Gates, PolicyRule } from '@skiff/api'
import { controllerRoleRows, storageVersionRows } from './controller-policy.ts'
import { clusterBindingRows, clusterRoleRows, namespacedBindingRows, namespacedRoleRows, type RoleRow } from './policy.ts'
import type { BootstrapRole } from './reconcile.ts'

const bootstrapping = { 'kubernetes.io/bootstrapping': 'rbac-defaults' }
const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' }
const aggregateLabel = (name: string): string => `rbac.authorization.k8s.io/aggregate-to-${name}`

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

/** Reads a rule of the policy table. */
const ruleOf = (row: string): PolicyRule => {
  const [verbs = '', second = '', resources, names] = row.split(' | ')
  if (resources === undefined) return { verbs: words(verbs), nonResourceURLs: words(second) }
  const apiGroups = words(second).map((group) => (group === 'core' ? '' : group))
  return { verbs: words(verbs), apiGroups, resources: words(resources), ...(names === undefined ? {} : { resourceNames: words(names) }) }
}

const roleOf = ([name, row]: readonly [string, RoleRow]): BootstrapRole => ({
  metadata: {
    name,
    labels: { ...bootstrapping, ...Object.fromEntries((row.aggregateTo ?? []).map((to) => [aggregateLabel(to), 'true'])) },
    annotations,
  },
  ...(row.aggregates
    ? { aggregationRule: { clusterRoleSelectors: row.aggregates.map((each) => ({ matchLabels: { [aggregateLabel(each)]: 'true' } })) } }
    : {}),
  ...(row.rules ? { rules: row.rules.map(ruleOf) } : {}),
})

/** `Group x`, `User x`, `ServiceAccount namespace/x`. */
const subjectOf = (text: string) => {
  const [kind = '', name = ''] = text.split(' ')
  if (kind !== 'ServiceAccount') return { kind, apiGroup: 'rbac.authorization.k8s.io', name }
  const [namespace = '', account = ''] = name.split('/')
  return { kind, namespace, name: account }
}

const controllerPrefix = 'system:controller:'
const bindingOf = (name: string, subjects: readonly string[]) => ({
  metadata: { name, labels: bootstrapping, annotations },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
  subjects: subjects.map(subjectOf),
})

export const clusterRoles: readonly BootstrapRole[] = [...Object.entries(clusterRoleRows), ...Object.entries(controllerRoleRows)].map(
  roleOf,
)

/** Who may see objects may see what they use: the role that a metrics server brings along. */
export const metricsReader: BootstrapRole = roleOf([
  'system:aggregated-metrics-reader',
  { aggregateTo: ['view', 'edit', 'admin'], rules: ['get list watch | metrics.k8s.io | pods nodes'] },
])

/** Each controller's role belongs to the account of its name in kube-system. */
export const clusterRoleBindings = [
  ...Object.entries(clusterBindingRows).map(([name, subjects]) => bindingOf(name, subjects)),
  ...Object.keys(controllerRoleRows).map((name) => bindingOf(name, [`ServiceAccount kube-system/${name.slice(controllerPrefix.length)}`])),
]

const placed = (key: string) => {
  const at = key.indexOf('/')
  return { namespace: key.slice(0, at), name: key.slice(at + 1), labels: bootstrapping, annotations }
}

export const namespacedRoles: readonly BootstrapRole[] = Object.entries(namespacedRoleRows).map(([key, rules]) => ({
  metadata: placed(key),
  rules: rules.map(ruleOf),
}))

export const namespacedRoleBindings = Object.entries(namespacedBindingRows).map(([key, { role, subjects }]) => ({
  metadata: placed(key),
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
  subjects: subjects.map(subjectOf),
}))

/** Roles of controllers that run behind features alone, and who has them. */
export const gatedRoles = (gates: Gates) => {
  const rows = Object.entries(gates.StorageVersionAPI && gates.APIServerIdentity ? storageVersionRows : {})
  return {
    roles: rows.map(roleOf),
    bindings: rows.map(([name]) => bindingOf(name, [`ServiceAccount kube-system/${name.slice(controllerPrefix.length)}`])),
  }
}
