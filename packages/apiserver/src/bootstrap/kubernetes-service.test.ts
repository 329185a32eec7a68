import { endpointSlice, endpoints, service } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'
import { keepKubernetesService } from './kubernetes-service.ts'
import { createServerLeases } from './server-leases.ts'

let server: TestServer
const store = openMemoryStore()
let clockMs = 0
/** Time goes by when the test says so; what sleeps wakes at once with every step. */
const wakers = new Set<() => void>()
const env = {
  ...systemEnv(),
  monotonicMs: () => clockMs,
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      wakers.add(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
    }),
}
const pass = (ms: number): void => {
  clockMs += ms
  for (const wake of [...wakers]) wake()
  wakers.clear()
}
beforeAll(async () => {
  server = await startTestServer({ store })
})
afterAll(async () => {
  await server.close()
  await store.close()
})

const where = { namespace: 'default', name: 'kubernetes' }
const keep = (address: string) =>
  keepKubernetesService({ client: server.near, clusterIP: '10.96.0.1', port: 6443, leases: createServerLeases(store, address, env), env })
const shown = async () => {
  const legacy = (await server.near.get(endpoints, where)).subsets?.flatMap(({ addresses }) => addresses?.map(({ ip }) => ip))
  const slice = (await server.near.get(endpointSlice, where)).endpoints?.flatMap(({ addresses }) => addresses)
  expect(slice).toEqual(legacy)
  return slice
}
const shows = (addresses: readonly string[]) =>
  vi.waitFor(async () => {
    pass(0)
    expect(await shown()).toEqual(addresses)
  })

test('the service kubernetes is there again when somebody deletes it, at the addresses of all servers that live', async () => {
  const one = await keep('192.0.2.1')
  expect(await server.near.get(service, where)).toMatchObject({
    metadata: { labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  })
  expect((await server.near.get(endpoints, where)).metadata.labels).toEqual({ 'endpointslice.kubernetes.io/skip-mirror': 'true' })
  expect((await server.near.get(endpointSlice, where)).metadata.labels).toEqual({ 'kubernetes.io/service-name': 'kubernetes' })
  expect(await shown()).toEqual(['192.0.2.1'])

  // Alone, a server writes nothing while time goes by.
  const before = await store.revision()
  pass(60_000)
  expect(await store.revision()).toBe(before)

  await server.near.remove(service, where)
  await vi.waitFor(async () => {
    pass(0)
    expect((await server.near.get(service, where)).spec.clusterIP).toBe('10.96.0.1')
  })
  await shows(['192.0.2.1'])

  const other = await keep('192.0.2.2')
  await shows(['192.0.2.1', '192.0.2.2'])
  await other.stop()
  expect(await shown()).toEqual(['192.0.2.1'])
  await one.stop()
  expect(await shown()).toEqual(['192.0.2.1'])
})

test('a server that died without a word vanishes once its lease ends', async () => {
  const dead = createServerLeases(store, '192.0.2.9', env)
  await dead.addresses()
  const one = await keep('192.0.2.1')
  expect(await shown()).toEqual(['192.0.2.1', '192.0.2.9'])
  pass(14_000)
  await shows(['192.0.2.1', '192.0.2.9'])
  pass(2_000)
  await shows(['192.0.2.1'])
  await one.stop()
})
