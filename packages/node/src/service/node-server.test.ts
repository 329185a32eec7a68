import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { createSpdySession, requestUpgrade, type SpdySession, type StreamingTarget, spdyUpgradeHeaders } from '@skiff/client'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type NodeAgent, startNodeAgent } from '../node-agent.ts'
import { createSimulatedRuntime } from '../runtimes/simulated/runtime.ts'
import { createApiForNodes } from '../testing/api-for-nodes.ts'
import { type NodeServer, startNodeServer } from './node-server.ts'
import type { NodeService } from './node-service.ts'
import { remoteNodeService } from './remote-node.ts'

const env = systemEnv()
const directory = mkdtempSync(join(tmpdir(), 'skiff-node-server-'))
const certificate = (name: string) => {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  const subject = ['-subj', `/O=system:masters/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}
const serving = certificate('node')
const client = certificate('apiserver')
const stranger = certificate('stranger')

let agent: NodeAgent
let server: NodeServer
let remote: NodeService
const runtime = createSimulatedRuntime({ env })
const api = createApiForNodes(env)

const dialAs =
  ({ cert, key }: typeof client) =>
  () =>
    new Promise<import('node:tls').TLSSocket>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: server.port, cert, key, ca: serving.cert })
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    })

beforeAll(async () => {
  agent = await startNodeAgent({
    ...{ client: api.client, env, nodeName: 'n1', runtime, clusterDns: [], clusterDomain: 'cluster.local' },
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
  })
  server = await startNodeServer({
    ...{ env, service: agent.service, address: '127.0.0.1', port: 0, certificate: serving.cert, key: serving.key },
    clientAuthorities: client.cert,
    allow: (name) => name === 'apiserver',
  })
  remote = remoteNodeService(dialAs(client))
  await api.bind('n1', {
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i', command: ['sh', '-c', 'echo hello; run'] }] },
  })
  while (api.pod('p')?.status?.phase !== 'Running') await env.sleep(5)
})
afterAll(async () => {
  await server?.close()
  await agent?.stop()
  runtime.close()
  rmSync(directory, { recursive: true })
})

const target = { namespace: 'default', pod: 'p', container: 'c' }

/** Opens the streams of a command as kubectl does over SPDY. */
const talk = async (
  session: StreamingTarget,
  names: readonly string[],
): Promise<{ spdy: SpdySession; streams: Record<string, import('node:stream').Duplex> }> => {
  const answer = await requestUpgrade(session, 'POST', spdyUpgradeHeaders(['v4.channel.k8s.io']))
  if (!answer.upgraded) throw new Error(`${answer.response.statusCode} ${answer.body}`)
  const spdy = createSpdySession(answer.socket, { role: 'client', env, head: answer.head })
  const opened = names.map((name) => [name, spdy.open(new Map([['streamtype', name]]))] as const)
  return { spdy, streams: Object.fromEntries(opened) }
}

test('logs, by way of the server', async () => {
  expect(await text(await remote.logs({ ...target, tailLines: 5 }))).toBe('hello\n')
  await expect(remote.logs({ ...target, container: 'none' })).rejects.toThrow('container "none" in pod "p" is not available')
})

test('pods and use', async () => {
  expect((await remote.pods()).items.map(({ metadata }) => metadata.name)).toEqual(['p'])
  expect((await remote.runningPods()).items.length).toBe(1)
  const { pods } = await remote.statsSummary()
  expect(pods[0]).toMatchObject({ podRef: { name: 'p', namespace: 'default' }, containers: [{ name: 'c' }] })
})

test('a command with input and output', async () => {
  const streams = { stdin: true, stdout: true, stderr: false, tty: false }
  const { spdy, streams: open } = await talk(await remote.exec({ ...target, command: ['cat'], streams }), ['error', 'stdin', 'stdout'])
  open.stdin?.end('through and back')
  expect(await text(open.stdout as never)).toBe('through and back')
  expect(JSON.parse(await text(open.error as never))).toMatchObject({ status: 'Success' })
  spdy.close()
})

test('a command that fails tells its exit code', async () => {
  const streams = { stdin: false, stdout: true, stderr: true, tty: false }
  const session = await remote.exec({ ...target, command: ['sh', '-c', 'echo out; exit 3'], streams })
  const { spdy, streams: open } = await talk(session, ['error', 'stdout', 'stderr'])
  expect(await text(open.stdout as never)).toBe('out\n')
  expect(JSON.parse(await text(open.error as never))).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' })
  spdy.close()
})

test('a container that is not there', async () => {
  const session = await remote.exec({
    ...target,
    container: 'x',
    command: ['a'],
    streams: { stdin: false, stdout: true, stderr: false, tty: false },
  })
  const answer = await requestUpgrade(session, 'POST', spdyUpgradeHeaders(['v4.channel.k8s.io']))
  expect(answer.upgraded).toBe(false)
  expect(answer.response.statusCode).toBe(500)
})

test('strangers and unknown names are refused', async () => {
  await expect(remoteNodeService(dialAs(stranger)).pods()).rejects.toThrow()
  const other = await startNodeServer({
    ...{ env, service: agent.service, address: '127.0.0.1', port: 0, certificate: serving.cert, key: serving.key },
    clientAuthorities: client.cert,
    allow: () => false,
  })
  const dial = () =>
    new Promise<import('node:tls').TLSSocket>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: other.port, ...client, ca: serving.cert }, () => resolve(socket))
    })
  await expect(remoteNodeService(dial).pods()).rejects.toThrow('Forbidden (user=apiserver)')
  await other.close()
})
