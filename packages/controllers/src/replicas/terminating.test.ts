import { deployment, pod, replicaSet } from '@skiff/api'
import { expect, test } from 'vitest'
import { deploymentController } from '../deployment/deployment.ts'
import { testCluster } from '../testing/cluster.ts'
import { replicaSetController } from './replicaset.ts'

test.each([true, false])('pods on their way out are told where the feature is on: %s', async (on) => {
  const cluster = testCluster([deploymentController(), replicaSetController(on)])
  await cluster.client.create(deployment, {
    metadata: { namespace: 'a', name: 'web' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'w' } },
      template: { metadata: { labels: { app: 'w' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } as never,
    },
  })
  await cluster.live(3_000)
  const counts = () => [
    cluster.server.all(replicaSet)[0]?.status?.terminatingReplicas,
    cluster.server.all(deployment)[0]?.status?.terminatingReplicas,
  ]
  expect(counts()).toEqual(on ? [0, 0] : [undefined, undefined])
  const [first] = cluster.server.all(pod)
  if (!first) throw new Error('no pod')
  await cluster.client.update(pod, { ...first, metadata: { ...first.metadata, finalizers: ['example.com/stays'] } })
  await cluster.client.remove(pod, { namespace: 'a', name: first.metadata.name })
  await cluster.live(3_000)
  expect(cluster.server.all(pod)).toHaveLength(2)
  expect(counts()).toEqual(on ? [1, 1] : [undefined, undefined])
  await cluster.stop()
})
