import {
  volumeAttachment as attachments,
  horizontalPodAutoscaler as autoscalers,
  persistentVolumeClaim as claims,
  configMap as configMaps,
  deployment as deployments,
  pod as pods,
  secret as secrets,
  persistentVolume as volumes,
} from '@skiff/api'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

// Controllers over the real API server, each with no more rights than its own account has.
let cluster: RealCluster
beforeEach(async () => {
  cluster = await realCluster({ enabled: ['*', 'bootstrap-signer-controller', 'token-cleaner-controller'] })
})
afterEach(async () => cluster.stop())

const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }]
const template = { metadata: { labels: { app: 'w' } }, spec: { containers } }
const create = (resource: Parameters<RealCluster['client']['create']>[0], object: object) =>
  cluster.client.create(resource, object as never)

test('volumes: claims of pods are made, and what a driver has is attached', async () => {
  const spec = { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '1Gi' } } }
  await cluster.live(3_000)
  await create(volumes, {
    metadata: { name: 'pv' },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, csi: { driver: 'd.io', volumeHandle: 'h' } },
  })
  await create(pods, {
    metadata: { namespace: 'default', name: 'p' },
    spec: { containers, volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec } } }] },
  })
  await cluster.live(30_000)
  expect((await cluster.list(claims)).map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([['p-v', 'Bound']])
  const [attachment] = await cluster.list(attachments)
  expect(attachment?.spec).toMatchObject({ attacher: 'd.io', source: { persistentVolumeName: 'pv' } })
  await cluster.client.update(attachments, { ...attachment, status: { attached: true } } as never, { subresource: 'status' })
  await cluster.live(5_000)
  expect(await cluster.events('default')).toContain('Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pv"  x1')
  await cluster.client.remove(pods, { namespace: 'default', name: 'p' })
  await cluster.live(30_000)
  expect([await cluster.list(attachments), await cluster.list(claims)]).toEqual([[], []])
  expect(cluster.troubled()).toEqual([])
})

test('an autoscaler brings its target within its bounds, and tells that nobody measures', async () => {
  await cluster.live(3_000)
  await create(deployments, { metadata: { namespace: 'default', name: 'w' }, spec: { selector: { matchLabels: { app: 'w' } }, template } })
  await create(autoscalers, {
    metadata: { namespace: 'default', name: 'w' },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'w' }, minReplicas: 3, maxReplicas: 5 },
  })
  await cluster.live(40_000)
  expect((await cluster.list(deployments))[0]?.status?.readyReplicas).toBe(3)
  const events = (await cluster.events('default')).join('\n')
  expect(events).toContain('Normal SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas x1')
  expect(events).toContain('the server could not find the requested resource (get pods.metrics.k8s.io)')
  expect(events).not.toContain('forbidden')
  expect(cluster.troubled()).toEqual([])
})

test('tokens of machines that are to join sign the public configuration', async () => {
  await create(configMaps, { metadata: { namespace: 'kube-public', name: 'cluster-info' }, data: { kubeconfig: 'x' } })
  await create(secrets, {
    metadata: { namespace: 'kube-system', name: 'bootstrap-token-aaaaaa' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': 'aaaaaa',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-signing': 'true',
      expiration: '2025-01-01T00:01:00Z',
    },
  })
  await cluster.live(10_000)
  const signed = async () =>
    Object.keys((await cluster.client.get(configMaps, { namespace: 'kube-public', name: 'cluster-info' })).data ?? {}).sort()
  expect(await signed()).toEqual(['jws-kubeconfig-aaaaaa', 'kubeconfig'])
  await cluster.live(90_000)
  expect(await signed()).toEqual(['kubeconfig'])
  expect((await cluster.list(secrets, 'kube-system')).filter(({ type }) => type === 'bootstrap.kubernetes.io/token')).toEqual([])
  expect(cluster.troubled()).toEqual([])
})
