import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deployment, lease, node, pod, serviceAccount } from '@skiff/api'
import { type ApiServer, noNodes, startApiServer } from '@skiff/apiserver'
import { type Client, type VirtualEnv, virtualEnv } from '@skiff/client'
import { openMemoryStore, type Store } from '@skiff/store'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startLoops } from './loops.ts'
import type { ClusterRecord } from './record.ts'

const record = { format: 1, name: 'shared', controllers: ['deployment', 'replicaset', 'scheduler'] } as unknown as ClusterRecord

let env: VirtualEnv
let store: Store
let pkiDir: string
const servers: ApiServer[] = []
beforeEach(() => {
  env = virtualEnv()
  store = openMemoryStore()
  pkiDir = mkdtempSync(join(tmpdir(), 'skiff-loops-'))
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
  await store.close()
  rmSync(pkiDir, { recursive: true })
})

const pass = async (ms: number): Promise<void> => {
  for (let passed = 0; passed < ms; passed += 500) {
    for (let turn = 0; turn < 12; turn += 1) await env.settle()
    await env.advance(500)
  }
}
/** What takes time to end is given it. */
const meanwhile = async (ending: Promise<void>): Promise<void> => {
  let isOver = false
  const ended = ending.finally(() => {
    isOver = true
  })
  while (!isOver) await pass(500)
  await ended
}
const serve = async (): Promise<ApiServer> => {
  const listen = { host: '127.0.0.1', port: 0, advertiseAddress: '127.0.0.1', serviceCidr: '10.96.0.0/16' }
  const server = await startApiServer({ store, env, pkiDir, nodes: noNodes, ...listen })
  servers.push(server)
  return server
}
const administrator = (server: ApiServer): Client => server.client({ name: 'admin', groups: ['system:masters', 'system:authenticated'] })
const addNode = async (client: Client) => {
  const room = { cpu: '4', memory: '8Gi', pods: '110' }
  await client.create(node, { metadata: { name: 'n1' }, spec: {} })
  await client.patch(node, { name: 'n1' }, 'merge', { spec: { taints: null } })
  await client.patch(node, { name: 'n1', subresource: 'status' }, 'merge', { status: { allocatable: room, capacity: room } })
}
const addWorkload = (client: Client, name: string) =>
  client.create(deployment, {
    metadata: { namespace: 'default', name },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { serviceAccountName: 'none', containers: [{ name: 'c', image: 'i' }] } },
    },
  } as never)
const placed = async (client: Client) => (await client.list(pod, { namespace: 'default' })).items.map(({ spec }) => spec.nodeName)
const holders = async (client: Client) =>
  Object.fromEntries(
    (await client.list(lease, { namespace: 'kube-system' })).items.map(({ metadata, spec }) => [metadata.name, spec.holderIdentity]),
  )

test('of two servers over one store one acts; when it stops the other does, and nothing is done twice', async () => {
  const [one, two] = [await serve(), await serve()]
  const client = administrator(two)
  await client.create(serviceAccount, { metadata: { namespace: 'default', name: 'none' } })
  await addNode(client)
  const stopOne = await startLoops(one, record, env, { holder: 'one' })
  await pass(1_000)
  const stopTwo = await startLoops(two, record, env, { holder: 'two' })
  await pass(1_000)
  expect(await holders(client)).toEqual({ 'kube-controller-manager': 'one', 'kube-scheduler': 'one' })
  await addWorkload(client, 'before')
  await pass(3_000)
  expect(await placed(client)).toEqual(['n1', 'n1', 'n1'])
  await meanwhile(stopOne())
  await pass(5_000)
  expect(await holders(client)).toEqual({ 'kube-controller-manager': 'two', 'kube-scheduler': 'two' })
  await addWorkload(client, 'after')
  await pass(3_000)
  expect(await placed(client)).toEqual(Array.from({ length: 6 }, () => 'n1'))
  await meanwhile(stopTwo())
})

test('a server that owns its store acts at once, without an election', async () => {
  const server = await serve()
  const client = administrator(server)
  await client.create(serviceAccount, { metadata: { namespace: 'default', name: 'none' } })
  await addNode(client)
  const stop = await startLoops(server, record, env)
  await addWorkload(client, 'w')
  await pass(2_000)
  expect(await placed(client)).toEqual(['n1', 'n1', 'n1'])
  expect(await holders(client)).toEqual({})
  await meanwhile(stop())
})
