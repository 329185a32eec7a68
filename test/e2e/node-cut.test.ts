import { endpointSlice, pod } from '@skiff/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, run, type TestCluster, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages, webManifest } from './cluster/image.ts'

const why = await whyNoCluster()
const impatient = `
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 2}
      - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 2}
      topologySpreadConstraints:
      - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}`

describe.skipIf(why !== undefined)(`three nodes${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: TestCluster
  let nodes: string[] = []
  beforeAll(async () => {
    cluster = await newCluster('cut')
    await cluster.up('--nodes', '3')
    await packWebImages(cluster)
    nodes = (await cluster.kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ').sort()
    const applied = await run('kubectl', ['apply', '-f', '-'], {
      input: webManifest(6, impatient),
      env: { KUBECONFIG: cluster.kubeconfig },
    })
    expect(applied.code, applied.err).toBe(0)
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
  }, 120_000)
  afterAll(async () => {
    expect(await cluster?.remove()).toEqual([])
  }, 120_000)

  const pods = async () => (await (await cluster.client()).list(pod, { namespace: 'default' })).items
  const isReady = (status: string) => async () => {
    const row = (await cluster.kubectl('get', 'nodes', '--no-headers')).split('\n').find((line) => line.startsWith(`${victim()} `))
    return row?.split(/ +/)[1] === status ? true : undefined
  }
  const victim = () => nodes.find((name) => name.endsWith('node-2')) as string

  test('pods of every node answer pods of every other by address and by name', async () => {
    const all = await pods()
    expect(new Set(all.map(({ spec }) => spec.nodeName))).toEqual(new Set(nodes))
    for (const { metadata } of all) {
      const name = metadata.name as string
      const script = all
        .map(({ status }) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 3 ${status?.podIP} 8080 | tail -n 1`)
        .join('; ')
        .replaceAll('tail -n 1', 'cat')
      const answered = await cluster.kubectl('exec', name, '--', 'sh', '-c', script)
      for (const other of all) expect(answered).toContain(other.metadata.name)
      const looked = await cluster.kubectl('exec', name, '--', 'nslookup', 'web.default.svc.cluster.local')
      expect(looked).toContain('Name:\tweb.default.svc.cluster.local')
    }
  }, 60_000)

  test('a node that is cut off loses its pods to the others, and comes back', async () => {
    const before = (await pods()).filter(({ spec }) => spec.nodeName === victim()).map(({ metadata }) => metadata.name)
    expect(before.length).toBeGreaterThan(0)
    await cluster.skiff('node', 'cut', victim(), '--name', cluster.name)
    await until('the node to be not ready', isReady('NotReady'), 90_000)
    await until('replacements elsewhere', async () => {
      const elsewhere = (await pods()).filter(
        ({ spec, status, metadata }) =>
          spec.nodeName !== victim() &&
          !metadata.deletionTimestamp &&
          status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
      )
      return elsewhere.length === 6 ? true : undefined
    })
    const slices = (await (await cluster.client()).list(endpointSlice, { namespace: 'default' })).items
    const ready = slices
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions, nodeName }) => conditions?.ready && nodeName === victim())
    expect(ready).toEqual([])

    await cluster.skiff('node', 'mend', victim(), '--name', cluster.name)
    await until('the node to be ready again', isReady('Ready'), 90_000)
    await until(
      'the end of its old pods',
      async () => {
        const names = (await pods()).map(({ metadata }) => metadata.name)
        return before.every((name) => !names.includes(name)) ? true : undefined
      },
      90_000,
    )
  }, 300_000)

  test('a node that was stopped starts its pods again, and counts that', async () => {
    await cluster.kubectl('rollout', 'restart', 'deployment/web')
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    const there = (await pods()).filter(({ spec, metadata }) => spec.nodeName === victim() && !metadata.deletionTimestamp)
    expect(there.length).toBeGreaterThan(0)
    await cluster.skiff('node', 'stop', victim(), '--name', cluster.name)
    await cluster.skiff('node', 'start', victim(), '--name', cluster.name)
    await until('its pods to run again', async () => {
      const again = (await pods()).filter(({ metadata }) => there.some((old) => old.metadata.uid === metadata.uid))
      const statuses = again.map(({ status }) => status?.containerStatuses?.[0])
      return statuses.length === there.length && statuses.every((status) => status?.ready && status.restartCount === 1) ? true : undefined
    })
  }, 180_000)
})
