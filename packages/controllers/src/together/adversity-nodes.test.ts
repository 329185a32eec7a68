import { lease, node, pod, replicaSet } from '@skiff/api'
import { rfc3339Micro } from '@skiff/machinery'
import { taintEvictionController } from '../nodes/eviction.ts'
import { nodeLifecycleController } from '../nodes/lifecycle.ts'
import { ttlController } from '../nodes/ttl.ts'
import { podGarbageCollector } from '../podgc/podgc.ts'
import { replicaSetController } from '../replicas/replicaset.ts'
import { survives } from '../testing/adversity.ts'
import type { TestCluster } from '../testing/cluster.ts'

const names = ['n1', 'n2', 'n3', 'n4']
const cut = new Set<string>()
const ready = (at: string) => ({ conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: at, lastTransitionTime: at }] }) as never
/** A sign of life of each node that is not cut off; one that comes back says that it is well. */
const beat = async ({ client, env }: TestCluster) => {
  const at = rfc3339Micro(env.now())
  for (const name of names) {
    if (cut.has(name)) continue
    await client.patch(lease, { namespace: 'kube-node-lease', name }, 'merge', { spec: { renewTime: at } })
    const held = await client.get(node, { name })
    if (held.status?.conditions?.[0]?.status !== 'True')
      await client.update(node, { ...held, status: ready(at) }, { subresource: 'status' })
  }
}
const live = async (cluster: TestCluster, seconds: number) => {
  for (let passed = 0; passed < seconds; passed += 10) {
    await beat(cluster)
    await cluster.live(10_000)
  }
}

survives('nodes that are lost and come back lose their pods to others, and their taints', {
  controllers: () => [nodeLifecycleController(), taintEvictionController(), replicaSetController(), podGarbageCollector()],
  options: { nodes: names, alive: (name) => !cut.has(name) },
  happens: async (cluster) => {
    cut.clear()
    for (const name of names) {
      const metadata = { name, labels: { 'topology.kubernetes.io/zone': name < 'n3' ? 'a' : 'b' } }
      await cluster.client.create(node, { metadata, spec: {}, status: ready(rfc3339Micro(cluster.env.now())) })
      await cluster.client.create(lease, { metadata: { namespace: 'kube-node-lease', name }, spec: { holderIdentity: name } })
    }
    const tolerations = [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [], tolerations } }
    await cluster.client.create(replicaSet, {
      metadata: { namespace: 'a', name: 'web' },
      spec: { replicas: 8, selector: { matchLabels: { app: 'web' } }, template: template as never },
    })
    await live(cluster, 30)
    for (const name of ['n1', 'n3']) cut.add(name)
    await live(cluster, 300)
    cut.delete('n1')
    await live(cluster, 60)
    cut.clear()
    await live(cluster, 200)
    cluster.faults.stop()
    await live(cluster, 200)
    // The calm after it is silence: shorter than anybody's patience.
  },
  end: ({ server }) => [
    server.all(node).map(({ metadata, spec, status }) => `${metadata.name} ${status?.conditions?.[0]?.status} ${spec.taints?.length ?? 0}`),
    server.all(pod).length,
    new Set(server.all(pod).map(({ metadata, status }) => `${status?.conditions?.[0]?.status} ${metadata.deletionTimestamp ?? 'stays'}`)),
  ],
  expected: [names.map((name) => `${name} True 0`), 8, new Set(['True stays'])],
  calmMs: 20_000,
})

survives('pods of nodes that are gone go, and no others', {
  controllers: () => [podGarbageCollector()],
  happens: async ({ client, live }) => {
    for (const name of ['n1', 'n2']) await client.create(node, { metadata: { name }, spec: {} })
    for (const [name, nodeName] of [
      ['a', 'n1'],
      ['b', 'n1'],
      ['c', 'n2'],
      ['d', 'n3'],
    ] as const)
      await client.create(pod, { metadata: { namespace: 'a', name }, spec: { nodeName, containers: [] } })
    await live(10_000)
    await client.remove(node, { name: 'n1' })
    await live(60_000)
  },
  end: ({ server }) => server.all(pod).map(({ metadata }) => metadata.name),
  expected: ['c'],
})

survives('nodes carry the seconds for as many as they are', {
  controllers: () => [ttlController()],
  happens: async ({ client, live }) => {
    for (let n = 1; n <= 105; n += 1) await client.create(node, { metadata: { name: `n${n}` }, spec: {} })
    await live(5_000)
    for (let n = 80; n <= 105; n += 1) await client.remove(node, { name: `n${n}` })
    await live(5_000)
    for (let n = 200; n <= 230; n += 1) await client.create(node, { metadata: { name: `n${n}` }, spec: {} })
    await client.patch(node, { name: 'n1' }, 'merge', { metadata: { annotations: { 'node.alpha.kubernetes.io/ttl': 'x' } } })
  },
  end: ({ server }) => [
    server.all(node).length,
    [...new Set(server.all(node).map(({ metadata }) => metadata.annotations?.['node.alpha.kubernetes.io/ttl']))],
  ],
  expected: [110, ['15']],
})
