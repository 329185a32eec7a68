import type { FlowSchemaSpec, PriorityLevelConfigurationSpec, ResourcePolicyRule, FlowcontrolV1Subject as Subject } from '@skiff/api'

// What every cluster has of API priority and fairness: upstream's objects of 1.33, by name. The mandatory ones count even where they are
// absent from the store.

const all = ['*']
const everyResource: readonly ResourcePolicyRule[] = [{ verbs: all, apiGroups: all, resources: all, clusterScope: true, namespaces: all }]
const everyPath = [{ verbs: all, nonResourceURLs: all }]

const groups = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'Group', group: { name } }))
const users = (...names: string[]): Subject[] => names.map((name) => ({ kind: 'User', user: { name } }))
const systemAccounts = (...names: string[]): Subject[] =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } }))
const everybody = groups('system:unauthenticated', 'system:authenticated')

const schema = (
  level: string,
  matchingPrecedence: number,
  by: 'ByUser' | 'ByNamespace' | undefined,
  subjects: readonly Subject[],
  resourceRules: readonly ResourcePolicyRule[] = everyResource,
  nonResourceRules: readonly { verbs: string[]; nonResourceURLs: string[] }[] = everyPath,
): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence,
  ...(by ? { distinguisherMethod: { type: by } } : {}),
  rules: [
    {
      subjects,
      ...(resourceRules.length > 0 ? { resourceRules } : {}),
      ...(nonResourceRules.length > 0 ? { nonResourceRules } : {}),
    },
  ],
})

const inEveryNamespace = (verbs: string[], apiGroup: string, resource: string): ResourcePolicyRule => ({
  verbs,
  apiGroups: [apiGroup],
  resources: [resource],
  namespaces: all,
})
const election = [inEveryNamespace(['get', 'create', 'update'], 'coordination.k8s.io', 'leases')]

export const mandatorySchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: schema('exempt', 1, undefined, groups('system:masters')),
  'catch-all': schema('catch-all', 10_000, 'ByUser', everybody),
}

export const suggestedSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  'system-nodes': schema('system', 500, 'ByUser', groups('system:nodes')),
  'system-node-high': schema(
    'node-high',
    400,
    'ByUser',
    groups('system:nodes'),
    [
      { verbs: all, apiGroups: [''], resources: ['nodes', 'nodes/status'], clusterScope: true, namespaces: all },
      inEveryNamespace(all, 'coordination.k8s.io', 'leases'),
    ],
    [],
  ),
  probes: schema('exempt', 2, undefined, everybody, [], [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }]),
  'system-leader-election': schema(
    'leader-election',
    100,
    'ByUser',
    [...users('system:kube-controller-manager', 'system:kube-scheduler'), ...systemAccounts('*')],
    election,
    [],
  ),
  'endpoint-controller': schema(
    'workload-high',
    150,
    'ByUser',
    [...users('system:kube-controller-manager'), ...systemAccounts('endpoint-controller', 'endpointslicemirroring-controller')],
    [inEveryNamespace(['get', 'create', 'update'], '', 'endpoints')],
    [],
  ),
  'workload-leader-election': schema('leader-election', 200, 'ByUser', systemAccounts('*'), election, []),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', users('system:kube-controller-manager')),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', users('system:kube-scheduler')),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', systemAccounts('*')),
  'service-accounts': schema('workload-low', 9000, 'ByUser', groups('system:serviceaccounts')),
  'global-default': schema('global-default', 9900, 'ByUser', everybody),
}

const queued = (shares: number, lendablePercent: number, queues: number, handSize = 6): PriorityLevelConfigurationSpec => ({
  type: 'Limited',
  limited: {
    nominalConcurrencyShares: shares,
    limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    lendablePercent,
  },
})

export const mandatoryLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  'catch-all': { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' }, lendablePercent: 0 } },
}

export const suggestedLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: queued(30, 33, 64),
  'node-high': queued(40, 25, 64),
  'leader-election': queued(10, 0, 16, 4),
  'workload-high': queued(40, 50, 128),
  'workload-low': queued(100, 90, 128),
  'global-default': queued(20, 50, 128),
}
