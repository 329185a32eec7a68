import {
  certificateSigningRequest,
  clusterRole,
  configMap,
  ipAddress,
  namespace,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  resourceQuota,
  secret,
  serviceAccount,
  serviceCIDR,
  validatingAdmissionPolicy,
} from '@skiff/api'
import { certificateControllers } from '../certificates/certificates.ts'
import { clusterRoleAggregationController } from '../clusterroles/aggregation.ts'
import { volumeExpanderController } from '../expansion/expansion.ts'
import { policyStatusController } from '../policies/status.ts'
import { claimProtectionController, volumeProtectionController } from '../protection/claims.ts'
import { resourceQuotaController } from '../quota/quota.ts'
import { serviceAccountController } from '../serviceaccount/default-account.ts'
import { rootCaController } from '../serviceaccount/root-ca.ts'
import { tokenController } from '../serviceaccount/tokens.ts'
import { serviceCidrController } from '../servicecidrs/servicecidrs.ts'
import { survives } from '../testing/adversity.ts'
import { storedResources, type TestCluster } from '../testing/cluster.ts'
import { volumeBinderController } from '../volumes/binder.ts'

survives('namespaces have their account and bundle, and secrets their tokens', {
  controllers: () => [
    serviceAccountController(),
    rootCaController(() => 'PEM'),
    tokenController({ bundle: () => 'PEM', sign: async ({ metadata }) => `token of ${metadata.namespace}/${metadata.name}` }),
  ],
  happens: async ({ client, live }) => {
    for (const name of ['a', 'b', 'c']) await client.create(namespace, { metadata: { name }, spec: {} })
    await live(5_000)
    const annotations = { 'kubernetes.io/service-account.name': 'default' }
    for (const [inside, name] of [
      ['a', 'mine'],
      ['b', 'mine'],
    ] as const)
      await client.create(secret, { metadata: { namespace: inside, name, annotations }, type: 'kubernetes.io/service-account-token' })
    await live(10_000)
    for (const inside of ['b', 'c']) {
      await client.remove(configMap, { namespace: inside, name: 'kube-root-ca.crt' }).catch(() => {})
      await client.remove(serviceAccount, { namespace: inside, name: 'default' }).catch(() => {})
    }
    await live(3_000)
  },
  end: ({ server }) => [
    server.all(serviceAccount).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
    server.all(configMap).map(({ metadata, data }) => `${metadata.namespace} ${data?.['ca.crt']}`),
    server.all(secret).map(({ metadata, data }) => `${metadata.namespace} ${Buffer.from(data?.token ?? '', 'base64')}`),
  ],
  // The secret of an account that went goes with it.
  expected: [['a/default', 'b/default', 'c/default'], ['a PEM', 'b PEM', 'c PEM'], ['a token of a/default']],
})

const requests = ({ server }: TestCluster) =>
  server
    .all(certificateSigningRequest)
    .map(({ metadata, status }) => [
      metadata.name,
      (status?.conditions ?? []).map(({ type }) => type).join(),
      Buffer.from(status?.certificate ?? '', 'base64').toString(),
    ])

survives('certificate requests are approved once and signed once, or left to others', {
  controllers: () =>
    certificateControllers({
      approve: async ({ metadata }) => (metadata.name === 'undecided' ? undefined : 'Auto approving'),
      signers: ['example.com/s'],
      sign: async ({ metadata }) => `certificate of ${metadata.name}`,
    }),
  happens: async ({ client, live }) => {
    for (const [name, signerName] of [
      ['one', 'example.com/s'],
      ['two', 'example.com/s'],
      ['undecided', 'example.com/s'],
      ['foreign', 'example.com/other'],
    ] as const)
      await client.create(certificateSigningRequest, { metadata: { name }, spec: { request: '', signerName } })
    await live(30_000)
  },
  end: requests,
  expected: [
    ['foreign', 'Approved', ''],
    ['one', 'Approved', 'certificate of one'],
    ['two', 'Approved', 'certificate of two'],
    ['undecided', '', ''],
  ],
})

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] })

survives('aggregated roles hold the rules of what they select', {
  controllers: () => [clusterRoleAggregationController()],
  happens: async ({ client, live }) => {
    const add = (name: string, labels: object, rules: object[], more = {}) =>
      client.create(clusterRole, { metadata: { name, labels }, rules, ...more } as never)
    const from = (label: string) => ({ aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: label } }] } })
    await add('view', {}, [], from('view'))
    await add('edit', { to: 'view' }, [], from('edit'))
    await add('one', { to: 'edit' }, [rule('pods')])
    await live(3_000)
    await add('two', { to: 'view' }, [rule('nodes')])
    await add('three', { to: 'edit' }, [rule('secrets')])
    await live(3_000)
    await client.remove(clusterRole, { name: 'one' })
    await client.patch(clusterRole, { name: 'two' }, 'merge', { rules: [rule('events')] })
    await client.patch(clusterRole, { name: 'view' }, 'merge', { rules: [rule('forged')] })
  },
  end: ({ server }) =>
    Object.fromEntries(
      server.all(clusterRole).map(({ metadata, rules }) => [metadata.name, rules?.flatMap((each) => each.resources).sort()]),
    ),
  expected: { edit: ['secrets'], three: ['secrets'], two: ['events'], view: ['events', 'secrets'] },
})

survives('quotas count what is there', {
  controllers: () => [resourceQuotaController(() => storedResources)],
  happens: async ({ client, live }) => {
    const hard = { pods: '10', 'requests.cpu': '2', 'count/configmaps': '9' }
    await client.create(resourceQuota, { metadata: { namespace: 'a', name: 'q' }, spec: { hard } })
    const containers = [{ name: 'c', resources: { requests: { cpu: '100m' } } }] as never
    for (let n = 0; n < 6; n += 1) {
      await client.create(pod, { metadata: { namespace: 'a', name: `p${n}` }, spec: { containers } })
      await client.create(configMap, { metadata: { namespace: 'a', name: `m${n}` } })
      await live(1_000)
    }
    for (const n of [0, 3]) await client.remove(pod, { namespace: 'a', name: `p${n}` }, { gracePeriodSeconds: 0 })
    await client.remove(configMap, { namespace: 'a', name: 'm5' })
  },
  end: ({ server }) => server.all(resourceQuota)[0]?.status?.used,
  expected: { pods: '4', 'requests.cpu': '400m', 'count/configmaps': '5' },
})

const claimSpec = { accessModes: ['ReadWriteOnce'], storageClassName: 'c', resources: { requests: { storage: '1Gi' } } }

survives('claims and volumes are bound one to one, kept while in use, and let go of', {
  controllers: () => [volumeBinderController(), claimProtectionController(), volumeProtectionController()],
  happens: async ({ client, server, live }) => {
    const hostPath = { path: '/srv' }
    const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'c', hostPath }
    const persistentVolumeReclaimPolicy = 'Retain'
    for (const name of ['v1', 'v2', 'v3'])
      await client.create(persistentVolume, { metadata: { name }, spec: { ...spec, persistentVolumeReclaimPolicy } } as never)
    const addClaim = (name: string) =>
      client.create(persistentVolumeClaim, { metadata: { namespace: 'a', name }, spec: claimSpec } as never)
    for (const name of ['c1', 'c2', 'c3']) await addClaim(name)
    const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c1' } }]
    await client.create(pod, { metadata: { namespace: 'a', name: 'p' }, spec: { nodeName: 'n1', containers: [], volumes } })
    while (server.all(persistentVolumeClaim).some(({ status }) => status?.phase !== 'Bound')) await live(5_000)
    await client.remove(persistentVolumeClaim, { namespace: 'a', name: 'c1' })
    await addClaim('c4')
    await live(10_000)
    await client.remove(pod, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 0 })
    await live(60_000)
    await client.create(persistentVolume, { metadata: { name: 'v4' }, spec: { ...spec, persistentVolumeReclaimPolicy } } as never)
  },
  end: ({ server }) => {
    const volumes = server.all(persistentVolume)
    const bound = volumes.filter(({ status }) => status?.phase === 'Bound')
    const claims = server.all(persistentVolumeClaim)
    return [
      claims.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`),
      volumes.map(({ status }) => status?.phase).sort(),
      bound.every(
        ({ metadata, spec }) => claims.find((claim) => claim.metadata.uid === spec.claimRef?.uid)?.spec.volumeName === metadata.name,
      ),
    ]
  },
  // The volume of the claim that went is kept, for nobody.
  expected: [['c2 Bound', 'c3 Bound', 'c4 Bound'], ['Bound', 'Bound', 'Bound', 'Released'], true],
})

survives('who would expand a claim is told', {
  controllers: () => [volumeExpanderController()],
  happens: async ({ client, live }) => {
    const metadata = { namespace: 'a', name: 'c' }
    const made = await client.create(persistentVolumeClaim, { metadata, spec: { ...claimSpec, volumeName: 'v' } } as never)
    const claimRef = { ...metadata, uid: made.metadata.uid }
    await client.create(persistentVolume, { metadata: { name: 'v' }, spec: { csi: { driver: 'd', volumeHandle: 'h' }, claimRef } } as never)
    const status = { phase: 'Bound', capacity: { storage: '1Gi' } }
    await client.update(persistentVolumeClaim, { ...made, status } as never, { subresource: 'status' })
    await live(3_000)
    await client.patch(persistentVolumeClaim, metadata, 'merge', { spec: { resources: { requests: { storage: '2Gi' } } } })
  },
  end: (cluster) => [...new Set(cluster.events().map((each) => each.replace(/ x\d+$/, '')))],
  expected: ['Normal ExternalExpanding: waiting for an external controller to expand this PVC'],
})

survives('ranges of Services are protected, ready, and stay while an address needs them', {
  controllers: () => [serviceCidrController()],
  happens: async ({ client, live }) => {
    for (const [name, cidr] of [
      ['kubernetes', '10.96.0.0/16'],
      ['used', '10.97.0.0/24'],
      ['free', '10.98.0.0/24'],
    ] as const)
      await client.create(serviceCIDR, { metadata: { name }, spec: { cidrs: [cidr] } })
    await live(5_000)
    const labels = { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }
    await client.create(ipAddress, { metadata: { name: '10.97.0.9', labels }, spec: {} as never })
    await live(20_000)
    for (const name of ['used', 'free']) await client.remove(serviceCIDR, { name })
    await live(20_000)
  },
  end: ({ server }) =>
    server
      .all(serviceCIDR)
      .map(({ metadata, status }) => [metadata.name, metadata.finalizers?.length, status?.conditions?.map(({ status: is }) => is)]),
  expected: [
    ['kubernetes', 1, ['True']],
    ['used', 1, ['False']],
  ],
})

survives('policies are checked as they are now', {
  controllers: () => [policyStatusController()],
  happens: async ({ client, live }) => {
    const resourceRules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['*'], resources: ['deployments'] }]
    const spec = (expression: string) => ({ matchConstraints: { resourceRules }, validations: [{ expression }] })
    await client.create(validatingAdmissionPolicy, { metadata: { name: 'p' }, spec: spec('object.replicas > 1') } as never)
    for (const expression of ['object.spec.replicas > 1', 'object.spec.nope > 1']) {
      await live(3_000)
      await client.patch(validatingAdmissionPolicy, { name: 'p' }, 'merge', { spec: spec(expression) })
    }
  },
  end: ({ server }) =>
    server
      .all(validatingAdmissionPolicy)
      .map(({ metadata, status }) => [
        status?.observedGeneration === metadata.generation,
        status?.typeChecking?.expressionWarnings?.map(({ warning }) => warning.match(/undefined field '\w+'/)?.[0]),
      ]),
  expected: [[true, ["undefined field 'nope'"]]],
})
