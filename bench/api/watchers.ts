/**
 * Many watchers of one kind and one writer: `node bench/api/watchers.ts '{"port":…,"token":…,"watchers":1000,"writesPerSecond":100,"seconds":10}'`.
 * Each watcher has a connection of its own (TLS, HTTP/1.1), as each kubelet of a cluster has. Prints one line of JSON: how long after its
 * acknowledgement a write was delivered, over all watchers and writes, and how many deliveries lack.
 */
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { podBody } from './pod.ts'

const given = JSON.parse(process.argv[2] as string) as {
  readonly port: number
  readonly token: string
  readonly watchers: number
  readonly writesPerSecond: number
  readonly seconds: number
}
const path = '/api/v1/namespaces/bench/pods'
const writes = given.writesPerSecond * given.seconds
/** Names are as long as the marker: `"name":"watched-000042"`. */
const nameOf = (write: number): string => `watched-${String(write).padStart(6, '0')}`
const marker = Buffer.from('"name":"watched-')

/** Milliseconds of the acknowledgement of each write; and of each delivery, by watcher. */
const acknowledged = new Float64Array(writes)
const delivered: Float64Array[] = []

const watch = (): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const times = new Float64Array(writes)
    delivered.push(times)
    const socket = connect({ port: given.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      // A future version is not needed: what exists already carries other names.
      socket.write(`GET ${path}?watch=1&resourceVersion=${from} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${given.token}\r\n\r\n`)
    })
    let begun = false
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      if (!begun) {
        begun = true
        if (!chunk.toString('latin1').startsWith('HTTP/1.1 200')) return reject(new Error(chunk.toString()))
        resolve(socket)
      }
      const now = performance.now()
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + marker.length)) {
        const write = Number(bytes.toString('latin1', at + marker.length, at + marker.length + 6))
        if (times[write] === 0) times[write] = now
      }
      // A marker may lie across two chunks.
      rest = bytes.subarray(Math.max(0, bytes.length - marker.length - 6))
    })
    socket.on('error', reject)
  })

const agent = new Agent({ keepAlive: true, maxSockets: 16, rejectUnauthorized: false })
const call = (method: string, target: string, body?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${given.token}`, 'content-type': 'application/json' }
    const sent = request({ agent, port: given.port, host: '127.0.0.1', method, path: target, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        if ((answer.statusCode ?? 500) < 300) resolve(text)
        else reject(new Error(text))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })

const first = JSON.parse(await call('GET', `${path}?limit=1`)) as { metadata: { resourceVersion: string } }
const from = first.metadata.resourceVersion
const sockets: TLSSocket[] = []
for (let at = 0; at < given.watchers; at += 50)
  sockets.push(...(await Promise.all(Array.from({ length: Math.min(50, given.watchers - at) }, watch))))

const cpuBefore = process.cpuUsage()
const start = performance.now()
const pending: Promise<void>[] = []
for (let write = 0; write < writes; write++) {
  const wait = start + (write * 1000) / given.writesPerSecond - performance.now()
  if (wait > 0) await sleep(wait)
  pending.push(
    call('POST', path, podBody(nameOf(write))).then(() => {
      acknowledged[write] = performance.now()
    }),
  )
}
await Promise.all(pending)
await sleep(1000)
const cpu = process.cpuUsage(cpuBefore)

const late: number[] = []
let missing = 0
for (const times of delivered)
  for (let write = 0; write < writes; write++) {
    const time = times[write] as number
    if (time === 0) missing++
    else late.push(Math.max(0, time - (acknowledged[write] as number)))
  }
late.sort((a, b) => a - b)
const share = (part: number): number => Number((late[Math.min(late.length - 1, Math.floor(late.length * part))] ?? 0).toFixed(1))
const out = {
  p50Ms: share(0.5),
  p99Ms: share(0.99),
  maxMs: share(1),
  deliveries: late.length,
  missing,
  clientCpuMs: (cpu.user + cpu.system) / 1000,
}
console.log(JSON.stringify(out))
for (const socket of sockets) socket.destroy()
agent.destroy()
