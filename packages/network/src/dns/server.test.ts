import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Env, systemEnv } from '@skiff/machinery'
import { type DecodedPacket, decode, encode, type Packet } from 'dns-packet'
import { afterEach, expect, test } from 'vitest'
import { service, slice, watchedMap } from '../fixture.ts'
import type { EndpointSliceObject, NamespaceObject, ServiceObject } from '../objects.ts'
import { type DnsOptions, type DnsServer, startDns } from './agent.ts'
import { followResolvConf, nameservers, type ServerAddress } from './upstream/resolv-conf.ts'

const HOST = '127.0.0.1'
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const act of cleanups.splice(0).reverse()) await act()
})

const services = watchedMap<ServiceObject>(
  service('default/web', { clusterIP: '10.96.0.20', ports: [{ port: 80 }] }),
  service('default/many', { clusterIP: 'None', ports: [{ port: 80 }] }),
  service('default/away', { type: 'ExternalName', externalName: 'www.example.org' }),
)
const slices = watchedMap<EndpointSliceObject>(
  slice(
    'default/many',
    Array.from({ length: 120 }, (_, at) => `10.244.0.${at + 2}`),
  ),
)

const serve = async (more: Partial<DnsOptions> = {}): Promise<DnsServer & { port: number }> => {
  const server = await startDns({ services, slices, listen: [{ address: HOST, port: 0 }], upstream: [], env: systemEnv(), ...more })
  cleanups.push(server.close)
  return { ...server, port: server.listening[0]?.port ?? 0 }
}

type Reply = DecodedPacket & { readonly rcode: string }
const question = (name: string, type = 'A', more: object = {}): Buffer =>
  Buffer.from(encode({ type: 'query', id: 4711, flags: 0x100, questions: [{ name, type: type as 'A' }], ...more }))
const EDNS = (size: number) => ({ additionals: [{ type: 'OPT', name: '.', udpPayloadSize: size, flags: 0, options: [] }] })

const overUdp = (port: number, packet: Buffer, waitMs = 3_000) =>
  new Promise<Buffer | undefined>((resolve) => {
    const socket = createSocket('udp4')
    const done = (bytes?: Buffer) => {
      clearTimeout(late)
      socket.close()
      resolve(bytes)
    }
    const late = setTimeout(done, waitMs)
    socket.on('message', done)
    socket.send(packet, port, HOST)
  })
const ask = async (port: number, name: string, type?: string, more?: object): Promise<Reply> =>
  decode((await overUdp(port, question(name, type, more))) ?? Buffer.alloc(0)) as Reply

/** Sends bytes in pieces over one connection; the messages that came back until the server ended it or `count` were there. */
const overTcp = (port: number, pieces: readonly Buffer[], count: number) =>
  new Promise<Buffer[]>((resolve, reject) => {
    const socket = connect(port, HOST)
    let all: Buffer = Buffer.alloc(0)
    const messages: Buffer[] = []
    socket.on('data', (part) => {
      all = Buffer.concat([all, part])
      while (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) {
        messages.push(all.subarray(2, 2 + all.readUInt16BE(0)))
        all = all.subarray(2 + all.readUInt16BE(0))
      }
      if (messages.length >= count) socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(messages))
    for (const piece of pieces) socket.write(piece)
  })
const framed = (packet: Buffer): Buffer => Buffer.concat([Buffer.of(packet.length >> 8, packet.length & 255), packet])

/** An upstream server of this test, that answers as told. */
const upstream = async (reply: (query: DecodedPacket, overTcp: boolean) => Packet | Buffer | undefined) => {
  const seen: string[] = []
  const answer = (bytes: Buffer, tcp: boolean): Buffer | undefined => {
    const query = decode(bytes)
    const name = query.questions?.[0]?.name ?? ''
    if (name.endsWith('.loop.skiff.invalid')) return undefined
    seen.push(name)
    const said = reply(query, tcp)
    return said === undefined || Buffer.isBuffer(said)
      ? said
      : Buffer.from(encode({ id: query.id, type: 'response', questions: query.questions, ...said }))
  }
  const socket = createSocket('udp4')
  await new Promise<void>((done) => socket.bind(0, HOST, done))
  const { port } = socket.address()
  socket.on('message', (bytes, from) => {
    const said = answer(bytes, false)
    if (said) socket.send(said, from.port, from.address)
  })
  const tcp = createServer((connection) => {
    connection.on('error', () => {})
    connection.on('data', (bytes: Buffer) => {
      const said = answer(bytes.subarray(2), true)
      if (said) connection.end(framed(said))
    })
  })
  await new Promise<void>((done) => tcp.listen(port, HOST, done))
  cleanups.push(() => {
    socket.close()
    tcp.close()
  })
  return { address: HOST, port, seen }
}
const address = (query: DecodedPacket, ttl = 20, data = '192.0.2.1'): Packet => ({
  answers: [{ type: 'A', name: query.questions?.[0]?.name ?? '', ttl, data }],
})

test('UDP and TCP say the same, in the letters of the question', async () => {
  const { port } = await serve()
  const packet = question('wEb.Default.svc.CLUSTER.local')
  const [udp, [tcp]] = await Promise.all([overUdp(port, packet), overTcp(port, [framed(packet)], 1)])
  expect(udp).toEqual(tcp)
  const reply = decode(udp ?? Buffer.alloc(0))
  expect(reply).toMatchObject({ id: 4711, flag_aa: true, flag_rd: true, flag_ra: true, flag_tc: false })
  expect(reply.answers).toMatchObject([{ name: 'wEb.Default.svc.CLUSTER.local', data: '10.96.0.20' }])
})

test('what does not fit is cut and marked; EDNS0 and TCP hold more', async () => {
  const { port } = await serve()
  const name = 'many.default.svc.cluster.local'
  const plain = (await overUdp(port, question(name))) ?? Buffer.alloc(0)
  expect(plain.length).toBeLessThanOrEqual(512)
  expect(decode(plain)).toMatchObject({ flag_tc: true })
  expect(decode(plain).answers?.length).toBeGreaterThan(20)
  const wide = (await overUdp(port, question(name, 'A', EDNS(4_096)))) ?? Buffer.alloc(0)
  expect(decode(wide)).toMatchObject({ flag_tc: false, additionals: [{ type: 'OPT', udpPayloadSize: 4_096 }] })
  expect(decode(wide).answers).toHaveLength(120)
  const small = (await overUdp(port, question(name, 'A', EDNS(100)))) ?? Buffer.alloc(0)
  expect(small.length).toBeGreaterThan(400)
  expect(small.length).toBeLessThanOrEqual(512)
  const [tcp] = await overTcp(port, [framed(question(name))], 1)
  expect(decode(tcp ?? Buffer.alloc(0)).answers).toHaveLength(120)
})

test('addresses come in turns, so that all endpoints are somebody’s first', async () => {
  const { port } = await serve()
  const firsts = new Set<unknown>()
  for (let at = 0; at < 10; at++)
    firsts.add((await ask(port, 'many.default.svc.cluster.local')).answers?.map((one) => 'data' in one && one.data)[0])
  expect(firsts.size).toBe(10)
})

test('SRV carries the addresses of its targets as far as they fit', async () => {
  const { port } = await serve()
  const reply = await ask(port, 'many.default.svc.cluster.local', 'SRV', EDNS(4_096))
  expect(reply.flag_tc).toBe(true)
  const [tcp] = await overTcp(port, [framed(question('many.default.svc.cluster.local', 'SRV'))], 1)
  const whole = decode(tcp ?? Buffer.alloc(0))
  expect([whole.answers?.length, whole.additionals?.length]).toEqual([120, 120])
})

test('other names go to the upstream server once, and are then known until their time runs out', async () => {
  let nowMs = 0
  const real = systemEnv()
  const env: Env = { ...real, monotonicMs: () => nowMs }
  const up = await upstream((query) => address(query))
  const { port } = await serve({ upstream: [up], env })
  const all = await Promise.all(Array.from({ length: 20 }, () => ask(port, 'www.example.org')))
  for (const one of all) expect(one).toMatchObject({ rcode: 'NOERROR', flag_ra: true, answers: [{ data: '192.0.2.1', ttl: 20 }] })
  nowMs += 7_500
  expect(await ask(port, 'WWW.example.org')).toMatchObject({ questions: [{ name: 'WWW.example.org' }], answers: [{ ttl: 13 }] })
  expect(up.seen).toEqual(['www.example.org'])
  nowMs += 13_000
  await ask(port, 'www.example.org')
  expect(up.seen).toHaveLength(2)
})

test('a denial is kept as long as its SOA says, an error not at all', async () => {
  const soa = { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 9 }
  const up = await upstream((query) => {
    const name = query.questions?.[0]?.name ?? ''
    if (name === 'broken.org') return { flags: 2 }
    return { flags: 3, authorities: [{ type: 'SOA', name: 'org', ttl: 60, data: soa }] }
  })
  const { port } = await serve({ upstream: [up] })
  for (let at = 0; at < 3; at++) expect((await ask(port, 'gone.org')).rcode).toBe('NXDOMAIN')
  expect(up.seen).toEqual(['gone.org'])
  for (let at = 0; at < 2; at++) expect((await ask(port, 'broken.org')).rcode).toBe('SERVFAIL')
  expect(up.seen).toHaveLength(3)
})

test('a server that is not there is passed over; without any there is an honest failure', async () => {
  const up = await upstream((query) => address(query))
  const dead = createSocket('udp4')
  await new Promise<void>((done) => dead.bind(0, HOST, done))
  const deadPort = dead.address().port
  dead.close()
  const { port } = await serve({ upstream: [{ address: HOST, port: deadPort }, up] })
  expect((await ask(port, 'www.example.org')).answers).toHaveLength(1)
  const alone = await serve()
  expect((await ask(alone.port, 'www.example.org')).rcode).toBe('SERVFAIL')
})

test('a reply with another id, another question or from elsewhere is no reply', async () => {
  const up = await upstream((query) => {
    const name = query.questions?.[0]?.name ?? ''
    if (name === 'forged.org') return { id: (query.id ?? 0) ^ 1, ...address(query, 20, '6.6.6.6') }
    if (name === 'swapped.org') return { questions: [{ type: 'A', name: 'other.org' }], ...address(query, 20, '6.6.6.6') }
    return address(query)
  })
  const env: Env = { ...systemEnv(), after: (ms, act) => systemEnv().after(ms / 20, act) }
  const { port } = await serve({ upstream: [up], env })
  const replies = await Promise.all(['forged.org', 'swapped.org', 'true.org'].map((name) => ask(port, name)))
  expect(replies.map((one) => one.rcode)).toEqual(['SERVFAIL', 'SERVFAIL', 'NOERROR'])
})

test('an upstream reply is fitted to the client: no EDNS0 unasked, cut when too long, whole over TCP', async () => {
  const big = Array.from({ length: 60 }, (_, at) => ({ type: 'A' as const, name: 'big.org', ttl: 5, data: `192.0.2.${at}` }))
  const opt = { type: 'OPT' as const, name: '.', udpPayloadSize: 1_232, flags: 0, options: [] } as never
  const up = await upstream(() => ({ answers: big, additionals: [opt] }))
  const { port } = await serve({ upstream: [up] })
  const plain = (await overUdp(port, question('big.org'))) ?? Buffer.alloc(0)
  expect(decode(plain)).toMatchObject({ flag_tc: true, answers: [], additionals: [] })
  const wide = decode((await overUdp(port, question('big.org', 'A', EDNS(4_096)))) ?? Buffer.alloc(0))
  expect([wide.answers?.length, wide.additionals?.length, wide.flag_tc]).toEqual([60, 1, false])
  const [tcp] = await overTcp(port, [framed(question('big.org'))], 1)
  expect(decode(tcp ?? Buffer.alloc(0)).answers).toHaveLength(60)
})

test('an ExternalName service is followed to its address; without upstream the alias stands alone', async () => {
  const up = await upstream((query) => ({
    answers: [
      { type: 'CNAME', name: query.questions?.[0]?.name ?? '', ttl: 5, data: 'edge.example.org' },
      { type: 'A', name: 'edge.example.org', ttl: 5, data: '192.0.2.9' },
    ],
  }))
  const { port } = await serve({ upstream: [up] })
  const reply = await ask(port, 'away.default.svc.cluster.local')
  expect(reply.answers?.map((one) => `${one.name} ${one.type} ${'data' in one ? one.data : ''}`)).toEqual([
    'away.default.svc.cluster.local CNAME www.example.org',
    'www.example.org CNAME edge.example.org',
    'edge.example.org A 192.0.2.9',
  ])
  const alone = await serve()
  expect((await ask(alone.port, 'away.default.svc.cluster.local')).answers).toHaveLength(1)
})

test('an upstream server that forwards to us is found out and left', async () => {
  const relay = createSocket('udp4')
  await new Promise<void>((done) => relay.bind(0, HOST, done))
  cleanups.push(() => relay.close())
  const early: Buffer[] = []
  let target = 0
  let relayed = 0
  relay.on('message', (bytes, from) => {
    if (from.port === target) return
    relayed++
    if (target === 0) early.push(bytes)
    else relay.send(bytes, target, HOST)
  })
  const errors: string[] = []
  const env = systemEnv({ ...systemEnv().log, error: (message) => errors.push(message) })
  const { port } = await serve({ upstream: [{ address: HOST, port: relay.address().port }], env })
  target = port
  for (const bytes of early) relay.send(bytes, port, HOST)
  await expect.poll(() => errors, { timeout: 5_000 }).toEqual(['the upstream name server forwards to the cluster DNS; it is not used'])
  const before = relayed
  expect((await ask(port, 'www.example.org')).rcode).toBe('SERVFAIL')
  expect(relayed).toBe(before)
})

test('hostile packets change nothing: the next question is answered', async () => {
  const { port } = await serve()
  const socket = createSocket('udp4')
  for (let at = 0; at < 300; at++)
    socket.send(Buffer.from(Array.from({ length: at % 60 }, (_, byte) => (byte * 37 + at * 11) & 255)), port, HOST)
  expect((await ask(port, 'web.default.svc.cluster.local')).answers).toHaveLength(1)
  socket.close()
  const reply = question('web.default.svc.cluster.local')
  reply[2] = 0x80
  expect(await overUdp(port, reply, 200)).toBeUndefined()
})

test('TCP: many questions on one connection, in pieces; a stuck client does not hold the others', async () => {
  const { port } = await serve()
  const many = Buffer.concat(Array.from({ length: 50 }, () => framed(question('web.default.svc.cluster.local'))))
  const pieces = Array.from({ length: Math.ceil(many.length / 17) }, (_, at) => many.subarray(at * 17, at * 17 + 17))
  expect(await overTcp(port, pieces, 50)).toHaveLength(50)
  const stuck = connect(port, HOST)
  cleanups.push(() => stuck.destroy())
  stuck.on('error', () => {})
  stuck.write(Buffer.of(0xff, 0xff, 1))
  expect(await overTcp(port, [framed(question('web.default.svc.cluster.local'))], 1)).toHaveLength(1)
  const idle: Env = { ...systemEnv(), after: (ms, act) => systemEnv().after(ms / 100, act) }
  const short = await serve({ env: idle })
  expect(await overTcp(short.port, [Buffer.of(0, 30, 1)], 1)).toEqual([])
})

test('records follow services, slices and namespaces while the server runs', async () => {
  const own = {
    services: watchedMap<ServiceObject>(),
    slices: watchedMap<EndpointSliceObject>(),
    namespaces: watchedMap<NamespaceObject>(),
  }
  const { port } = await serve(own)
  const name = 'db.data.svc.cluster.local'
  expect((await ask(port, name)).rcode).toBe('NXDOMAIN')
  expect((await ask(port, '1-2-3-4.data.pod.cluster.local')).rcode).toBe('NXDOMAIN')
  own.namespaces.put({ metadata: { name: 'data' } })
  expect((await ask(port, '1-2-3-4.data.pod.cluster.local')).answers).toHaveLength(1)
  own.services.put(service('data/db', { clusterIP: 'None', ports: [{ port: 5432 }] }))
  own.slices.put(slice('data/db', ['10.244.1.4']))
  expect((await ask(port, name)).answers).toMatchObject([{ data: '10.244.1.4' }])
  own.slices.put(slice('data/db', ['10.244.1.4', '10.244.1.5']))
  expect((await ask(port, name)).answers).toHaveLength(2)
  own.services.remove('data/db')
  expect((await ask(port, name)).rcode).toBe('NXDOMAIN')
})

test('a taken port is an error, and leaves nothing open', async () => {
  const { port } = await serve()
  await expect(startDns({ services, slices, listen: [{ address: HOST, port }], upstream: [], env: systemEnv() })).rejects.toThrow(
    'EADDRINUSE',
  )
})

test('resolv.conf: name servers in order, once each, whatever else stands there', () => {
  const text =
    '# made by hand\nsearch example.org\nnameserver 192.0.2.53\n  nameserver\t2001:db8::53 \nnameserver 192.0.2.53\nnameserver nonsense\noptions ndots:5\n'
  expect(nameservers(text)).toEqual([
    { address: '192.0.2.53', port: 53 },
    { address: '2001:db8::53', port: 53 },
  ])
})

test('resolv.conf is followed while it changes, without our own address', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'skiff-dns-'))
  cleanups.push(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'resolv.conf')
  writeFileSync(file, 'nameserver 127.0.0.9\n')
  const used: string[][] = []
  const env: Env = { ...systemEnv(), sleep: (_, signal) => systemEnv().sleep(2, signal) }
  const forwarder = { use: (servers: readonly ServerAddress[]) => used.push(servers.map((one) => one.address)) }
  const stopping = new AbortController()
  const following = followResolvConf({ file, own: [{ address: '10.96.0.10', port: 53 }], forwarder, env, signal: stopping.signal })
  await expect.poll(() => used).toEqual([['127.0.0.9']])
  writeFileSync(file, 'nameserver 10.96.0.10\nnameserver 127.0.0.8\n')
  await expect.poll(() => used).toEqual([['127.0.0.9'], ['127.0.0.8']])
  stopping.abort()
  await following
})
