import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net'
import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js'
import type { Probe } from '@skiff/api'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { podOf } from '../pods/testing/life.ts'
import { type Runtime, RuntimeError } from '../runtimes/runtime.ts'
import { createRunProbe } from './run-probe.ts'
import { counted, freshTally } from './tally.ts'

const env = systemEnv()
const seen: Record<string, string | string[] | undefined>[] = []
const web = createServer((request, response) => {
  seen.push(request.headers)
  const { pathname } = new URL(request.url ?? '', 'http://x')
  if (pathname === '/slow') return
  if (pathname === '/big') return void response.end('x'.repeat(1_000_000))
  if (pathname === '/near') return void response.writeHead(302, { location: '/ok' }).end()
  if (pathname === '/far') return void response.writeHead(302, { location: 'http://elsewhere.invalid/' }).end('moved')
  if (pathname === '/loop') return void response.writeHead(302, { location: '/loop' }).end()
  response.writeHead(Number(pathname.slice(1)) || 200).end('fine')
})
const closedPort = async (): Promise<number> => {
  const server: Server = createTcp().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
let port = 0
let closed = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  port = (web.address() as AddressInfo).port
  closed = await closedPort()
})
afterAll(() => web.close().closeAllConnections())

const commands: Pick<Runtime, 'execSync'> = {
  execSync: async (_id, [command]) => {
    if (command === 'slow') throw new RuntimeError('deadlineExceeded', 'timed out')
    if (command === 'broken') throw new RuntimeError('unknown', 'no such container')
    return { stdout: Buffer.from('out'), stderr: Buffer.from('err'), exitCode: command === 'true' ? 0 : 1 }
  },
}
const run = createRunProbe(commands as Runtime, env)
const probe = (spec: Probe) =>
  run(spec, {
    pod: podOf({}),
    container: { name: 'c', ports: [{ name: 'web', containerPort: port }] },
    containerId: 'id',
    podIp: '127.0.0.1',
  })
const http = (path: string, more: object = {}) => probe({ httpGet: { path, port: 'web', ...more } })

test('HTTP: 200 to 399 is well', async () => {
  expect(await http('/ok')).toEqual({ result: 'success', output: 'fine' })
  expect(await http('/399')).toMatchObject({ result: 'success' })
  expect(await http('/404')).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 404' })
  expect(await http('500')).toEqual({ result: 'failure', output: 'HTTP probe failed with statuscode: 500' })
})

test('HTTP: redirects are followed on the same host', async () => {
  expect(await http('/near')).toMatchObject({ result: 'success' })
  expect(await http('/far')).toMatchObject({ result: 'warning' })
  expect(await http('/loop')).toMatchObject({ result: 'failure', output: expect.stringContaining('stopped after 10 redirects') })
})

test('HTTP: no more than 10 KB is read', async () => {
  expect((await http('/big')).output.length).toBe(10 * 1024)
})

test('HTTP: headers', async () => {
  await http('/ok')
  expect(seen.at(-1)).toMatchObject({ 'user-agent': 'kube-probe/1.33', accept: '*/*' })
  const httpHeaders = [
    { name: 'Host', value: 'other' },
    { name: 'X-A', value: '1' },
    { name: 'x-a', value: '2' },
    { name: 'Accept', value: '' },
  ]
  await http('/ok', { httpHeaders })
  expect(seen.at(-1)).toMatchObject({ host: 'other', 'x-a': '1, 2' })
  expect(seen.at(-1)).not.toHaveProperty('accept')
})

test('HTTP: failures in the words that users know', async () => {
  expect(await probe({ httpGet: { path: '/', port: String(closed) } })).toEqual({
    result: 'failure',
    output: `Get "http://127.0.0.1:${closed}/": dial tcp 127.0.0.1:${closed}: connect: connection refused`,
  })
  expect(await probe({ httpGet: { path: '/slow', port: 'web' }, timeoutSeconds: 0.05 })).toEqual({
    result: 'failure',
    output: `Get "http://127.0.0.1:${port}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  })
  expect(await probe({ httpGet: { port: 'none' } })).toEqual({ result: 'unknown', output: "couldn't find port: none" })
})

test('TCP', async () => {
  expect(await probe({ tcpSocket: { port: 'web' } })).toEqual({ result: 'success', output: '' })
  expect(await probe({ tcpSocket: { port: String(closed) } })).toEqual({
    result: 'failure',
    output: `dial tcp 127.0.0.1:${closed}: connect: connection refused`,
  })
})

test('commands', async () => {
  const exec = (command: string) => probe({ exec: { command: [command] } })
  expect(await exec('true')).toEqual({ result: 'success', output: 'outerr' })
  expect(await exec('false')).toEqual({ result: 'failure', output: 'outerr' })
  expect(await exec('slow')).toEqual({ result: 'failure', output: 'command timed out: "slow" timed out after 1s' })
  expect(await exec('broken')).toMatchObject({ result: 'unknown' })
})

test('gRPC health', async () => {
  const server = new GrpcServer()
  const statuses: Record<string, number> = { '': 1, down: 2 }
  const bytes = (value: Buffer) => value
  server.addService(
    {
      Check: {
        path: '/grpc.health.v1.Health/Check',
        ...{ requestStream: false, responseStream: false, requestSerialize: bytes, requestDeserialize: bytes },
        ...{ responseSerialize: bytes, responseDeserialize: bytes },
      },
    },
    {
      Check: (call: { request: Buffer }, reply: (error: object | null, answer?: Buffer) => void) => {
        const found = statuses[call.request.subarray(2).toString()]
        if (found === undefined) reply({ code: status.NOT_FOUND, details: 'unknown service' })
        else reply(null, Buffer.from([0x08, found]))
      },
    },
  )
  const bound = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) => (error ? reject(error) : resolve(at))),
  )
  expect(await probe({ grpc: { port: bound } })).toMatchObject({ result: 'success' })
  expect(await probe({ grpc: { port: bound, service: 'down' } })).toEqual({
    result: 'failure',
    output: 'service unhealthy (responded with "NOT_SERVING")',
  })
  expect(await probe({ grpc: { port: bound, service: 'other' } })).toMatchObject({ result: 'failure' })
  expect(await probe({ grpc: { port: closed } })).toMatchObject({ result: 'failure' })
  server.forceShutdown()
})

test('an answer stands once it came often enough in a row', () => {
  const spec = { failureThreshold: 3, successThreshold: 2 }
  const walk = (results: readonly ('success' | 'failure')[]) => {
    let tally = freshTally
    return results.map((result) => {
      tally = counted(tally, result, spec)
      return tally.standing
    })
  }
  expect(walk(['failure', 'failure', 'success', 'failure', 'failure', 'failure', 'success', 'success', 'failure'])).toEqual([
    ...[undefined, undefined, undefined, undefined, undefined],
    ...['failure', 'failure', 'success', 'success'],
  ])
})
