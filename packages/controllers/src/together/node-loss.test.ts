import type { Pod } from '@skiff/api'
import { deployment, endpointSlice, endpoints, node, pod, service } from '@skiff/api'
import { afterEach, describe, expect, test } from 'vitest'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

let running: RealCluster | undefined
afterEach(async () => {
  const troubled = running?.troubled()
  await running?.stop()
  running = undefined
  expect(troubled ?? []).toEqual([])
})

const web = { namespace: 'default', name: 'web' }
/** Three nodes, a Service, four pods of a Deployment and one that tolerates a lost node for ever. */
const start = async () => {
  const cluster = await realCluster({ nodes: ['n1', 'n2', 'n3'] })
  running = cluster
  await cluster.live(2_000)
  const labels = { app: 'web' }
  await cluster.client.create(service, {
    metadata: web,
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } as never,
  })
  await cluster.client.create(deployment, {
    metadata: web,
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:1' }] } } as never,
    },
  })
  await cluster.live(5_000)
  return cluster
}
const condition = async (cluster: RealCluster, name: string, type = 'Ready') =>
  (await cluster.client.get(node, { name })).status?.conditions?.find((one) => one.type === type)
const taints = async (cluster: RealCluster, name: string) =>
  ((await cluster.client.get(node, { name })).spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`)
const podsOn = async (cluster: RealCluster, name: string): Promise<readonly Pod[]> =>
  (await cluster.list(pod, 'default')).filter((one) => one.spec.nodeName === name)
const readyAddresses = async (cluster: RealCluster) => {
  const slices = await cluster.list(endpointSlice, 'default')
  return slices
    .filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === 'web')
    .flatMap((slice) => slice.endpoints)
    .map((one) => `${one.nodeName} ${one.conditions?.ready}`)
    .sort()
}
const oldAddresses = async (cluster: RealCluster) => {
  const { subsets = [] } = await cluster.client.get(endpoints, web)
  return [subsets.flatMap((one) => one.addresses ?? []).length, subsets.flatMap((one) => one.notReadyAddresses ?? []).length]
}

describe('a node that falls silent', () => {
  test('is unknown after its grace, its pods are not ready, and later they are replaced elsewhere', async () => {
    const cluster = await start()
    expect(await oldAddresses(cluster)).toEqual([4, 0])
    const lost = await podsOn(cluster, 'n2')
    expect(lost.length).toBeGreaterThan(0)
    expect(lost[0]?.spec.tolerations?.map(({ key, effect, tolerationSeconds }) => [key, effect, tolerationSeconds])).toEqual([
      ['node.kubernetes.io/not-ready', 'NoExecute', 300],
      ['node.kubernetes.io/unreachable', 'NoExecute', 300],
    ])
    cluster.dead.add('n2')
    await cluster.live(38_000)
    expect((await condition(cluster, 'n2'))?.status).toBe('True')
    await cluster.live(20_000)
    for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'])
      expect(await condition(cluster, 'n2', type)).toMatchObject({
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      })
    expect(await taints(cluster, 'n2')).toEqual(['node.kubernetes.io/unreachable:NoSchedule', 'node.kubernetes.io/unreachable:NoExecute'])
    expect(await cluster.events()).toEqual(
      expect.arrayContaining([expect.stringContaining('NodeNotReady: Node n2 status is now: NodeNotReady')]),
    )
    expect((await readyAddresses(cluster)).filter((line) => line.startsWith('n2')).every((line) => line === 'n2 false')).toBe(true)
    expect(await oldAddresses(cluster)).toEqual([4 - lost.length, lost.length])
    expect((await cluster.client.get(deployment, web)).status).toMatchObject({ availableReplicas: 4 - lost.length })
    // Past the toleration its pods are marked as deleted, and others take their place; the old ones stay until the node says so.
    await cluster.live(300_000)
    const after = await podsOn(cluster, 'n2')
    expect(after.map((one) => one.metadata.name)).toEqual(lost.map((one) => one.metadata.name))
    expect(after.every((one) => one.metadata.deletionTimestamp)).toBe(true)
    expect(after[0]?.status?.conditions?.find((one) => one.type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
    })
    expect((await cluster.client.get(deployment, web)).status).toMatchObject({ availableReplicas: 4 })
    expect((await oldAddresses(cluster))[0]).toBe(4)
    // The node comes back, ends its pods and is free of taints.
    cluster.dead.delete('n2')
    const back = await cluster.client.get(node, { name: 'n2' })
    const conditions = back.status?.conditions?.map((one) => ({
      ...one,
      status: one.type === 'Ready' ? 'True' : 'False',
      reason: 'Kubelet',
      lastHeartbeatTime: '2025-06-01T00:00:00Z',
    }))
    await cluster.client.update(node, { ...back, status: { ...back.status, conditions } } as never, { subresource: 'status' })
    await cluster.live(10_000)
    expect(await taints(cluster, 'n2')).toEqual([])
    expect(await cluster.list(pod, 'default')).toHaveLength(4)
  })

  test('that is deleted gives its pods to the pod collector', async () => {
    const cluster = await start()
    cluster.dead.add('n3')
    await cluster.client.remove(node, { name: 'n3' })
    await cluster.live(90_000)
    expect(await podsOn(cluster, 'n3')).toEqual([])
    expect((await cluster.client.get(deployment, web)).status).toMatchObject({ availableReplicas: 4 })
    await cluster.live(1_000)
    expect(await oldAddresses(cluster)).toEqual([4, 0])
  })

  test('when all do, nobody is driven away', async () => {
    const cluster = await start()
    for (const name of ['n1', 'n2', 'n3']) cluster.dead.add(name)
    await cluster.live(500_000)
    for (const name of ['n1', 'n2', 'n3']) expect(await taints(cluster, name)).toEqual(['node.kubernetes.io/unreachable:NoSchedule'])
    expect((await cluster.list(pod, 'default')).every((one) => !one.metadata.deletionTimestamp)).toBe(true)
  })
})
