/**
 * The client of bench/bound.ts: as little work a request as a client can do, so that the server has the machine. Makes its nodes, prints a
 * line, waits for one, and prints JSON in the end.
 */
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { findConnection } from '@skiff/client'

interface Options {
  readonly kubeconfig: string
  readonly nodes: number
  readonly pods: number
  readonly connections: number
}
const { kubeconfig, nodes, pods, connections } = JSON.parse(process.argv[2] as string) as Options
const { http } = await findConnection({ kubeconfig }, {})
const { hostname, port } = new URL(http.server)

const open = async (): Promise<TLSSocket> => {
  const { ca, cert, key } = http
  const socket = connect({ host: hostname, port: Number(port), ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) })
  await once(socket, 'secureConnect')
  return socket.setNoDelay(true)
}
const head = (method: string, path: string, body: string): string =>
  `${method} ${path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** One answer after the other on a connection. */
const caller = (socket: TLSSocket) => {
  let waiting: ((answer: string) => void) | undefined
  let read = ''
  let missing = -1
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    read += chunk
    if (missing < 0) {
      const end = read.indexOf('\r\n\r\n')
      if (end < 0) return
      missing = end + 4 + Number(/content-length: (\d+)/i.exec(read.slice(0, end))?.[1] ?? 0)
    }
    if (read.length < missing) return
    const answer = read
    read = ''
    missing = -1
    waiting?.(answer)
  })
  return (method: string, path: string, body: string): Promise<string> => {
    socket.write(head(method, path, body))
    return new Promise((resolve) => {
      waiting = resolve
    })
  }
}
type Caller = ReturnType<typeof caller>
const callers = await Promise.all(Array.from({ length: connections }, async () => caller(await open())))
const many = async (count: number, act: (call: Caller, index: number) => Promise<void>): Promise<void> => {
  let next = 0
  await Promise.all(
    callers.map(async (call) => {
      for (let index = next++; index < count; index = next++) await act(call, index)
    }),
  )
}
const expectStatus = (answer: string, ...wanted: readonly number[]): void => {
  if (!wanted.includes(Number(answer.slice(9, 12)))) throw new Error(answer)
}

const amounts = { cpu: '32', memory: '256Gi', pods: '110' }
await many(nodes, async (call, index) => {
  const labels = { 'kubernetes.io/hostname': `n${index}`, 'topology.kubernetes.io/zone': `z${index % 3}` }
  const status = { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] }
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: `n${index}`, labels }, status }
  expectStatus(await call('POST', '/api/v1/nodes', JSON.stringify(node)), 201)
  // Admission gives a new node the taint of one that is not ready.
  for (let status = ''; status !== '200'; ) {
    const held = JSON.parse((await call('GET', `/api/v1/nodes/n${index}`, '')).split('\r\n\r\n')[1] as string)
    delete held.spec.taints
    const answer = await call('PUT', `/api/v1/nodes/n${index}`, JSON.stringify(held))
    expectStatus(answer, 200, 409)
    status = answer.slice(9, 12)
  }
})
const [first] = callers as [Caller]
expectStatus(await first('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: 'bench' } })), 201)
// Pods need the account that a controller makes.
for (;;) {
  if ((await first('GET', '/api/v1/namespaces/bench/serviceaccounts/default', '')).slice(9, 12) === '200') break
  await new Promise((resolve) => setTimeout(resolve, 50))
}
console.log('ready')
await once(process.stdin, 'data')

const path = '/api/v1/namespaces/bench/pods'
const watcher = await open()
watcher.setEncoding('latin1')
const bound = new Set<string>()
const done = Promise.withResolvers<number>()
let rest = ''
watcher.on('data', (chunk: string) => {
  const text = rest + chunk
  let from = 0
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
    const nodeName = text.indexOf('"nodeName":"', from)
    if (nodeName >= 0 && nodeName < end) {
      const at = text.indexOf('"name":"p-', from)
      bound.add(text.slice(at + 8, text.indexOf('"', at + 8)))
      if (bound.size === pods) done.resolve(performance.now())
    }
    from = end + 1
  }
  rest = text.slice(from)
})
watcher.write(head('GET', `${path}?watch=1&timeoutSeconds=600`, ''))

const requests = { cpu: '100m', memory: '500Mi' }
const spec = { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'pause:3.10', resources: { requests } }] }
const body = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p-NAME', labels: { app: 'x' } }, spec })
const cpu = process.cpuUsage()
const began = performance.now()
await many(pods, async (call, index) => expectStatus(await call('POST', path, body.replace('NAME', String(index))), 201))
const createdMs = performance.now() - began
const boundMs = (await done.promise) - began
const { user, system } = process.cpuUsage(cpu)
console.log(
  JSON.stringify({
    podsPerSecond: Math.round((pods / boundMs) * 1000),
    createsPerSecond: Math.round((pods / createdMs) * 1000),
    clientMicros: Math.round((user + system) / pods),
  }),
)
process.exit(0)
