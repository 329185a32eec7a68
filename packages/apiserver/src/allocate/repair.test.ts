import { ipAddress, type Service, service } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { openMemoryStore, type Store } from '@skiff/store'
import { afterEach, expect, test, vi } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let store: Store | undefined
const open: TestServer[] = []
const start = async (nowMs?: number, serviceCidr = '10.96.0.0/24'): Promise<TestServer> => {
  store ??= openMemoryStore()
  const env = systemEnv()
  const later = nowMs === undefined ? env : { ...env, now: () => nowMs }
  const server = await startTestServer({ store, env: later, more: { serviceCidr } })
  open.push(server)
  return server
}
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
  await store?.close()
  store = undefined
})

const make = (server: TestServer, name: string, spec: object = {}): Promise<Service> =>
  server.near.create(service, { metadata: { name, namespace: 'default' }, spec: { ports: [{ port: 80 }], ...spec } } as never)
const addresses = async ({ near }: TestServer) => (await near.list(ipAddress)).items.map(({ metadata }) => metadata.name)
const events = async ({ raw }: TestServer) => {
  const { items } = (await raw('GET', '/api/v1/namespaces/default/events')).body
  return items.map(
    (each: { reason: string; message: string; reportingComponent: string }) =>
      `${each.reportingComponent}: ${each.reason}: ${each.message}`,
  )
}

test('two servers of one store never give out an address or a port twice', async () => {
  const [one, other] = [await start(undefined, '10.96.0.0/27'), await start(undefined, '10.96.0.0/27')]
  const made = await Promise.all(Array.from({ length: 28 }, (_, index) => make(index % 2 ? one : other, `s${index}`, { type: 'NodePort' })))
  expect(new Set(made.map(({ spec }) => spec.clusterIP)).size).toBe(28)
  expect(new Set(made.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(28)
  const same = { type: 'NodePort', ports: [{ port: 80, nodePort: 30001 }] }
  const results = await Promise.allSettled([make(one, 'x', same), make(other, 'y', same)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
})

test('a restart goes on with what is in use', async () => {
  const first = await start()
  const { spec } = await make(first, 'a', { type: 'NodePort' })
  await open.pop()?.close()
  const second = await start()
  await expect(make(second, 'b', { clusterIP: spec.clusterIP })).rejects.toThrow('provided IP is already allocated')
  const port = spec.ports?.[0]?.nodePort
  await expect(make(second, 'b', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).rejects.toThrow(
    'provided port is already allocated',
  )
  expect(await events(second)).toEqual([])
})

test('a Service without its IPAddress and its port gets them back', async () => {
  const first = await start()
  const { spec } = await make(first, 'a', { type: 'NodePort' })
  const [address, port] = [spec.clusterIP as string, spec.ports?.[0]?.nodePort]
  await first.near.remove(ipAddress, { name: address })
  await store?.commit({ key: `/registry/ranges/servicenodeports/${port}`, value: null, expect: 'any' })
  await open.pop()?.close()
  const second = await start()
  expect(await addresses(second)).toEqual([address])
  await vi.waitFor(async () =>
    expect((await events(second)).sort()).toEqual([
      `ipallocator-repair-controller: ClusterIPNotAllocated: Cluster IP [IPv4]: ${address} is not allocated; repairing`,
      `portallocator-repair-controller: PortNotAllocated: Port ${port} is not allocated; repairing`,
    ]),
  )
  await expect(make(second, 'b', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).rejects.toThrow('already allocated')
})

test('an address that nobody has goes once it is a minute old; one of somebody else stays', async () => {
  const first = await start()
  const leaked = (name: string, managed: boolean, parent = 'gone') =>
    first.near.create(ipAddress, {
      metadata: {
        name,
        labels: managed ? { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io', 'ipaddress.kubernetes.io/ip-family': 'IPv4' } : {},
      },
      spec: { parentRef: { resource: 'services', namespace: 'default', name: parent } },
    })
  const { spec } = await make(first, 'a')
  await leaked('10.96.0.3', true)
  await leaked('10.96.0.4', true, 'a')
  await leaked('10.96.0.5', false)
  await open.pop()?.close()
  const all = [spec.clusterIP, '10.96.0.3', '10.96.0.4', '10.96.0.5'].sort()
  expect((await addresses(await start())).sort()).toEqual(all)
  await open.pop()?.close()
  const late = await start(systemEnv().now() + 61_000)
  expect((await addresses(late)).sort()).toEqual([spec.clusterIP, '10.96.0.5'].sort())
  await vi.waitFor(async () =>
    expect((await events(late)).sort()).toEqual([
      'ipallocator-repair-controller: IPAddressNotAllocated: IPAddress: 10.96.0.3 for Service default/gone appears to have leaked: cleaning up',
      'ipallocator-repair-controller: IPAddressWrongReference: IPAddress: 10.96.0.4 for Service default/a has a wrong reference; cleaning up',
    ]),
  )
})

test('an address outside of every ServiceCIDR is told and kept', async () => {
  const first = await start()
  const { spec } = await make(first, 'a')
  await open.pop()?.close()
  // Its ServiceCIDR is another one now.
  await store?.commit({ key: '/registry/servicecidrs.networking.k8s.io/kubernetes', value: null, expect: 'any' })
  const second = await start(undefined, '10.97.0.0/24')
  await vi.waitFor(async () =>
    expect(await events(second)).toEqual([
      `ipallocator-repair-controller: ClusterIPOutOfRange: Cluster IP [IPv4]: ${spec.clusterIP} is not within any configured Service CIDR; please recreate service`,
    ]),
  )
})

test('a port that no Service has is given back after three rounds, and then the server is quiet', async () => {
  store ??= openMemoryStore()
  const env = virtualEnv()
  await store.commit({ key: '/registry/ranges/servicenodeports/30123', value: Buffer.from('{}'), expect: 'any' })
  const server = await startTestServer({ store, env, more: { serviceCidr: '10.96.0.0/24' } })
  open.push(server)
  const held = async () => (await store?.range({ prefix: '/registry/ranges/' }))?.rows.length
  await env.advance(4 * 60_000)
  expect(await held()).toBe(1)
  await env.advance(4 * 60_000)
  expect(await held()).toBe(0)
  const before = await store.revision()
  await env.advance(60 * 60_000)
  expect(await store.revision()).toBe(before)
})

test('a Service that was stored before it could have two families shows one', async () => {
  const first = await start()
  await make(first, 'old', { clusterIP: '10.96.0.9' })
  await make(first, 'headless', { clusterIP: 'None' })
  await make(first, 'name', { type: 'ExternalName', externalName: 'a.b' })
  await open.pop()?.close()
  for (const { key, value } of (await store?.range({ prefix: '/registry/services/' }))?.rows ?? []) {
    const object = JSON.parse(Buffer.from(value).toString())
    const { clusterIPs: _a, ipFamilies: _b, ipFamilyPolicy: _c, ...spec } = object.spec
    const older = { ...object, spec: { ...spec, ...(spec.type === 'ExternalName' ? { internalTrafficPolicy: 'Cluster' } : {}) } }
    await store?.commit({ key, value: Buffer.from(JSON.stringify(older)), expect: 'any' })
  }
  const second = await start()
  const shown = async (name: string) => (await second.near.get(service, { namespace: 'default', name })).spec
  expect(await shown('old')).toMatchObject({ clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  expect(await shown('headless')).toMatchObject({ clusterIPs: ['None'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' })
  expect(await shown('name')).not.toHaveProperty('internalTrafficPolicy')
})
