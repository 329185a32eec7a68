import type { BootstrapRole } from './reconcile.ts'

const bootstrapping = {
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
  annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
}

export const clusterRoles: readonly BootstrapRole[] = [
  {
    metadata: { name: 'cluster-admin', ...bootstrapping },
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
  },
]

export const clusterRoleBindings = [
  {
    metadata: { name: 'cluster-admin', ...bootstrapping },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:masters' }],
  },
]
