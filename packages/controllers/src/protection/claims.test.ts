import { persistentVolume, persistentVolumeClaim, pod } from '@skiff/api'
import { expect, test } from 'vitest'
import { testCluster } from '../testing/cluster.ts'
import { claimProtectionController, volumeProtectionController } from './claims.ts'

test('a claim that is deleted stays until the last pod that mounts it is gone', async () => {
  const cluster = testCluster([claimProtectionController()])
  const target = { namespace: 'a', name: 'data' }
  await cluster.client.create(persistentVolumeClaim, { metadata: target, spec: {} as never })
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }]
  for (const [name, nodeName] of Object.entries({ user: 'n1', waiting: '' }))
    await cluster.client.create(pod, {
      metadata: { namespace: 'a', name },
      spec: { containers: [], volumes, ...(nodeName ? { nodeName } : {}) },
    })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(persistentVolumeClaim)[0]?.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
  await cluster.client.remove(persistentVolumeClaim, target)
  await cluster.env.advance(1_000)
  expect(cluster.server.all(persistentVolumeClaim)).toHaveLength(1)
  await cluster.client.remove(pod, { namespace: 'a', name: 'user' }, { gracePeriodSeconds: 0 })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(persistentVolumeClaim)).toEqual([])
  await cluster.stop()
})

test('a volume that is deleted stays as long as it is bound', async () => {
  const cluster = testCluster([volumeProtectionController()])
  const made = await cluster.client.create(persistentVolume, { metadata: { name: 'v' }, spec: {} as never })
  await cluster.client.update(persistentVolume, { ...made, status: { phase: 'Bound' } }, { subresource: 'status' })
  await cluster.env.advance(1_000)
  await cluster.client.remove(persistentVolume, { name: 'v' })
  await cluster.env.advance(1_000)
  const [held] = cluster.server.all(persistentVolume)
  if (!held) throw new Error('gone')
  await cluster.client.update(persistentVolume, { ...held, status: { phase: 'Released' } }, { subresource: 'status' })
  await cluster.env.advance(1_000)
  expect(cluster.server.all(persistentVolume)).toEqual([])
  await cluster.stop()
})
