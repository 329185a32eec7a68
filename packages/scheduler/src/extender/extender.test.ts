import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttp, type RequestListener } from 'node:http'
import { createServer as createHttps, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { node, pod as pods } from '@skiff/api'
import { issueCertificate, openAuthorities } from '@skiff/apiserver'
import { connect, createViews } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { ExtenderConfig, SchedulerConfiguration } from '../config/configuration.ts'
import { fitErrorText } from '../cycle/fit-error.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { startScheduler } from '../start.ts'
import { still } from '../testing/decisions.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { memoryCluster } from '../testing/running.ts'
import { decideWith } from './consult.ts'
import { createExtender } from './extender.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Seen {
  readonly path: string
  readonly body: Record<string, unknown>
}
type Answer = (body: Record<string, unknown>) => unknown
/** A server that answers each verb, and remembers what it was asked. */
const serve = async (answers: Record<string, Answer>, tls?: ServerOptions) => {
  const seen: Seen[] = []
  const listener: RequestListener = async (incoming, outgoing) => {
    const parts: Buffer[] = []
    for await (const part of incoming) parts.push(part as Buffer)
    const path = incoming.url ?? ''
    const body = JSON.parse(Buffer.concat(parts).toString()) as Seen['body']
    seen.push({ path, body })
    const answer = answers[path.slice(1)]
    const given = answer?.(body)
    if (given === undefined) return
    outgoing.writeHead(given === 500 ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(given))
  }
  const server = tls ? createHttps(tls, listener) : createHttp(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { seen, urlPrefix: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/` }
}
const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c')]
const decided = async (config: readonly ExtenderConfig[], pod = podOf('p'), cluster = still(nodes)) => {
  const extenders = config.map((each) => createExtender(each, cluster.cluster.env))
  ends.push(() => {
    for (const each of extenders) each.close()
  })
  const asked = extenders.filter((each) => each.isInterested(pod))
  const decision = await decideWith(cluster.decider, asked, podInfoOf(pod), cluster.cluster)
  return 'placed' in decision ? decision.placed.name : fitErrorText(decision.refused)
}

describe('filter and prioritize', () => {
  test('nodes go out whole and come back; failures are reasons', async () => {
    const { seen, urlPrefix } = await serve({
      filter: ({ Nodes }) => ({
        Nodes: { items: [(Nodes as { items: unknown[] }).items[1]] },
        FailedNodes: { a: 'too warm', c: 'too warm' },
        Error: '',
      }),
    })
    expect(await decided([{ urlPrefix, filterVerb: 'filter' }])).toBe('b')
    expect(seen.map(({ path, body }) => [path, Object.keys(body)])).toEqual([['/filter', ['Pod', 'Nodes', 'NodeNames']]])
  })
  test('with a cache of its own it gets names, and lower-case answers are read too', async () => {
    const { seen, urlPrefix } = await serve({
      filter: () => ({ nodenames: [], failedNodes: { a: 'too warm' }, failedAndUnresolvableNodes: { b: 'gone', c: 'gone' } }),
    })
    const text = await decided([{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true }])
    expect(text).toBe('0/3 nodes are available: 1 too warm, 2 gone.')
    expect(seen[0]?.body).toMatchObject({ NodeNames: ['a', 'b', 'c'], Nodes: null })
  })
  test('priorities count with their weight', async () => {
    const { urlPrefix } = await serve({
      prioritize: () => [
        { Host: 'c', Score: 10 },
        { Host: 'a', Score: 1 },
      ],
    })
    expect(await decided([{ urlPrefix, prioritizeVerb: 'prioritize', weight: 5 }])).toBe('c')
  })
  test('one after the other: the second sees what the first left', async () => {
    const first = await serve({ filter: () => ({ NodeNames: ['a', 'b'] }) })
    const second = await serve({ filter: () => ({ NodeNames: ['b'] }) })
    const config = [first, second].map(({ urlPrefix }) => ({ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true }))
    expect(await decided(config)).toBe('b')
    expect(second.seen[0]?.body).toMatchObject({ NodeNames: ['a', 'b'] })
  })
  test('a node that was promised is asked about first; refused, it leaves the others their turn', async () => {
    const { seen, urlPrefix } = await serve({
      filter: ({ NodeNames }) => ({ NodeNames: (NodeNames as string[]).filter((each) => each === 'c') }),
    })
    const cluster = still(nodes)
    cluster.nominations.set(podInfoOf(podOf('p')), 'a')
    expect(await decided([{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true }], podOf('p'), cluster)).toBe('c')
    expect(seen.map(({ body }) => (body.NodeNames as string[]).join())).toEqual(['a', 'a,b,c'])
  })
  test('only pods that ask for its resources are sent to it', async () => {
    const { seen, urlPrefix } = await serve({ filter: () => ({ NodeNames: ['a'] }) })
    const config = { urlPrefix, filterVerb: 'filter', nodeCacheCapable: true, managedResources: [{ name: 'example.com/gpu' }] }
    await decided([config])
    expect(seen).toEqual([])
    const cluster = still(nodes.map((each) => nodeOf(each.metadata.name, { allocatable: { 'example.com/gpu': '1' } })))
    expect(await decided([config], podOf('p', { requests: { 'example.com/gpu': '1' } }), cluster)).toBe('a')
    expect(seen).toHaveLength(1)
  })
})

describe('failures', () => {
  const failing = async (answers: Record<string, Answer>, more: Partial<ExtenderConfig> = {}) => {
    const { urlPrefix } = await serve(answers)
    return decided([{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true, ...more }]).catch((error: Error) =>
      error.message.replaceAll(urlPrefix, 'URL/'),
    )
  }
  test('a status, an error in the answer, and nodes that were not asked about', async () => {
    expect(await failing({ filter: () => 500 })).toBe('failed filter with extender at URL URL/filter, code 500')
    expect(await failing({ filter: () => ({ Error: 'no database' }) })).toBe('no database')
    expect(await failing({ filter: () => ({ NodeNames: ['x'] }) })).toBe(
      'extender "URL/" claims a filtered node "x" which is not found in the input node list',
    )
  })
  test('an ignorable one is passed over', async () => {
    expect(['a', 'b', 'c']).toContain(await failing({ filter: () => 500 }, { ignorable: true }))
  })
  test('one that does not answer in its time', async () => {
    const { seen, urlPrefix } = await serve({ filter: () => undefined })
    const cluster = still(nodes)
    const outcome = decided([{ urlPrefix, filterVerb: 'filter', httpTimeout: '2s' }], podOf('p'), cluster).catch(
      (error: Error) => error.message,
    )
    await vi.waitFor(() => expect(seen).toHaveLength(1))
    await (cluster.cluster.env as ReturnType<typeof memoryCluster>['env']).advance(2_000)
    expect(await outcome).toContain('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
  })
})

/** A whole scheduler with an extender, in real time: its calls are real ones. */
const schedule = async (extender: ExtenderConfig, add: (client: ReturnType<typeof memoryCluster>['client']) => Promise<void>) => {
  const { server } = memoryCluster(1)
  const env = systemEnv()
  const client = connect(server.handler, { name: 'test', groups: [] })
  const views = createViews(client, env)
  const configuration = { extenders: [extender] } as unknown as SchedulerConfiguration
  const recorder = { event: () => {}, flushed: async () => {}, close: async () => {} }
  const scheduler = await startScheduler({ client, views, env, configuration, recorder })
  ends.push(async () => {
    await scheduler.stop()
    await views.close()
  })
  await add(client)
  return { server, client, pod: (name: string) => server.all(pods).find((each) => each.metadata.name === name) }
}

test('bind: the extender binds, and is told what and where', async () => {
  const { seen, urlPrefix } = await serve({ bind: () => ({}) })
  const { pod } = await schedule({ urlPrefix, bindVerb: 'bind' }, async (client) => {
    await client.create(node, nodeOf('n'))
    await client.create(pods, podOf('p'))
  })
  await vi.waitFor(() => expect(seen).toHaveLength(1))
  expect(seen[0]?.body).toEqual({ PodName: 'p', PodNamespace: 'a', PodUID: pod('p')?.metadata.uid, Node: 'n' })
})

test('HTTPS: the server is checked by the authority given, and the client shows its certificate', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'extender-'))
  ends.push(() => rmSync(dir, { recursive: true }))
  const env = systemEnv()
  const { clients, frontProxy, serving } = await openAuthorities(dir, ['127.0.0.1'], env)
  const mine = await issueCertificate(clients, { subject: { commonName: 'scheduler' }, days: 1, usages: ['client'] }, env)
  const { urlPrefix } = await serve(
    { filter: () => ({ NodeNames: ['b'] }) },
    { ...serving, ca: clients.cert, requestCert: true, rejectUnauthorized: true },
  )
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const config = (ca: string) => ({
    ...{ urlPrefix, filterVerb: 'filter', nodeCacheCapable: true, enableHTTPS: true },
    tlsConfig: { caData: base64(ca), certData: base64(mine.cert), keyData: base64(mine.key) },
  })
  expect(await decided([config(clients.cert)])).toBe('b')
  await expect(decided([config(frontProxy.cert)])).rejects.toThrow('Post "https://127.0.0.1:')
})

test('preempt: the extender strikes out a node, and its resources are none of the scheduler', async () => {
  const { seen, urlPrefix } = await serve({
    preempt: ({ NodeNameToMetaVictims }) => ({ NodeNameToMetaVictims: { b: (NodeNameToMetaVictims as Record<string, unknown>).b } }),
  })
  const { pod } = await schedule({ urlPrefix, preemptVerb: 'preempt', nodeCacheCapable: true }, async (client) => {
    for (const name of ['a', 'b']) await client.create(node, nodeOf(name))
    for (const name of ['a', 'b'])
      await client.create(pods, podOf(`low-${name}`, { on: name, requests: { cpu: '4' }, priority: name === 'a' ? 0 : 5 }))
    await client.create(pods, podOf('high', { priority: 10, requests: { cpu: '2' } }))
  })
  await vi.waitFor(() => expect(pod('high')?.status?.nominatedNodeName).toBe('b'))
  const { NodeNameToMetaVictims: told } = (seen[0] as Seen).body
  expect(Object.keys(told as object).sort()).toEqual(['a', 'b'])
  expect(pod('low-a')?.metadata.deletionTimestamp).toBeUndefined()
})

test.each([
  ['no node is left', {}, 'preemption: no candidate node for preemption'],
  ['a node without a victim', { a: { Pods: [] } }, 'preemption: expected at least one victim pod on node "a"'],
])('preempt: %s', async (_name, left, text) => {
  const { urlPrefix } = await serve({ preempt: () => ({ NodeNameToMetaVictims: left }) })
  const { pod } = await schedule({ urlPrefix, preemptVerb: 'preempt', nodeCacheCapable: true }, async (client) => {
    await client.create(node, nodeOf('a'))
    await client.create(pods, podOf('low', { on: 'a', requests: { cpu: '4' } }))
    await client.create(pods, podOf('high', { priority: 10, requests: { cpu: '2' } }))
  })
  await vi.waitFor(() => expect(pod('high')?.status?.conditions?.[0]?.message).toBe(`0/1 nodes are available: 1 Insufficient cpu. ${text}`))
})
