import {
  clusterRole,
  clusterRoleBinding,
  configMap,
  type Gates,
  namespace,
  priorityClass,
  type Resource,
  role,
  roleBinding,
} from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, isRefusal, type KubeObject } from '@skiff/machinery'
import { keepDefaultServiceCidr } from './default-service-cidr.ts'
import { reconcileRole } from './reconcile.ts'
import { clusterRoleBindings, clusterRoles, gatedRoles, metricsReader, namespacedRoleBindings, namespacedRoles } from './roles.ts'

export interface BootstrapOptions {
  readonly client: Client
  readonly serviceCidrs: readonly string[]
  /** metrics.k8s.io is served here. */
  readonly metrics: boolean
  readonly gates: Gates
  readonly env: Env
}

const make = async <T extends KubeObject>(client: Client, resource: Resource<T>, object: object): Promise<void> => {
  try {
    await client.create(resource, object as never)
  } catch (error) {
    if (!isRefusal(error, 409)) throw error
  }
}

/** Makes what every cluster has from its first second: namespaces, RBAC policy, priority classes. What is there already stays, roles are reconciled. */
export const bootstrap = async ({ client, serviceCidrs, metrics, gates, env }: BootstrapOptions): Promise<void> => {
  const names = ['default', 'kube-system', 'kube-public', 'kube-node-lease']
  await Promise.all(names.map((name) => make(client, namespace, { metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } })))
  const gated = gatedRoles(gates)
  await Promise.all([
    ...priorityClasses.map((each) => make(client, priorityClass, each)),
    keepDefaultServiceCidr(client, serviceCidrs, env),
    ...[...clusterRoles, ...gated.roles, ...(metrics ? [metricsReader] : [])].map((each) => reconcileRole(client, clusterRole, each)),
    ...namespacedRoles.map((each) => reconcileRole(client, role, each)),
    ...[...clusterRoleBindings, ...gated.bindings].map((each) => make(client, clusterRoleBinding, each)),
    ...namespacedRoleBindings.map((each) => make(client, roleBinding, each)),
  ])
}

const priorityClasses = [
  {
    metadata: { name: 'system-cluster-critical' },
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
  {
    metadata: { name: 'system-node-critical' },
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
]

/** kube-system's extension-apiserver-authentication: how aggregated servers verify clients and the front proxy. */
export const publishAuthentication = async (client: Client, clientCa: string, frontProxyCa: string): Promise<void> => {
  await make(client, configMap, {
    metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
    data: {
      'client-ca-file': clientCa,
      'requestheader-allowed-names': '["front-proxy-client"]',
      'requestheader-client-ca-file': frontProxyCa,
      'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
      'requestheader-group-headers': '["X-Remote-Group"]',
      'requestheader-username-headers': '["X-Remote-User"]',
    },
  } as never)
}
