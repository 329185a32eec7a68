import { persistentVolumeClaim as claims, persistentVolume as volumes } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { volumeExpanderController } from './expansion.ts'

test('a claim that asks for more is told who would give it', async () => {
  const cluster = testCluster([volumeExpanderController()])
  for (const [name, source] of [
    ['a', { csi: { driver: 'd', volumeHandle: 'h' } }],
    ['b', { hostPath: { path: '/x' } }],
  ] as const) {
    const made = await cluster.client.create(claims, {
      metadata: { namespace: 'n', name },
      spec: { volumeName: name, resources: { requests: { storage: '1Gi' } } },
    } as never)
    const claimRef = { namespace: 'n', name, uid: made.metadata.uid }
    await cluster.client.create(volumes, { metadata: { name }, spec: { ...source, claimRef } } as never)
    const status = { phase: 'Bound', capacity: { storage: '1Gi' } }
    await cluster.client.update(claims, { ...made, status } as never, { subresource: 'status' })
  }
  await cluster.live(2_000)
  expect(cluster.events()).toEqual([])
  for (const name of ['a', 'b'])
    await cluster.client.patch(claims, { namespace: 'n', name }, 'merge', { spec: { resources: { requests: { storage: '2Gi' } } } })
  await cluster.live(2_000)
  expect(cluster.events().sort()).toEqual([
    'Normal ExternalExpanding: waiting for an external controller to expand this PVC x1',
    'Warning ExternalExpanding: waiting for an external controller to expand this PVC x1',
  ])
  await cluster.stop()
})
