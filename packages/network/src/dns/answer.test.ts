import { type DecodedPacket, type Answer as DnsAnswer, decode, encode } from 'dns-packet'
import { describe, expect, test } from 'vitest'
import { service, slice } from '../fixture.ts'
import type { EndpointSliceObject, ServiceObject } from '../objects.ts'
import { answer } from './answer.ts'
import { decodeQuery } from './query.ts'
import { createRecords } from './records.ts'
import { encodeReply } from './reply.ts'

const records = createRecords({ server: ['10.96.0.10'], ranges: ['10.244.0.0/16', '10.96.0.0/16', 'fd00:244::/56'] })
const put = (one: ServiceObject, ...slices: EndpointSliceObject[]) =>
  records.set(`${one.metadata.namespace}/${one.metadata.name}`, one, slices, 1_700_000_000_000)

put(
  service('default/web', {
    clusterIP: '10.96.0.20',
    ports: [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ],
  }),
  slice('default/web', ['10.244.0.3'], [{ name: 'http', port: 8080 }]),
)
put(
  service('default/both', {
    clusterIP: '10.96.0.21',
    clusterIPs: ['10.96.0.21', 'fd00:96::21'],
    ports: [{ port: 53, protocol: 'UDP', name: 'dns' }],
  }),
)
put(
  service('data/db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }),
  slice(
    'data/db',
    [
      { addresses: ['10.244.1.4'], hostname: 'db-0' },
      { addresses: ['10.244.1.5'], hostname: 'DB-1' },
      { addresses: ['10.244.1.6'], hostname: 'db-2', conditions: { ready: false } },
      { addresses: ['10.244.1.7'] },
    ],
    [
      { name: 'sql', port: 5432 },
      { name: 'metrics', port: 9187 },
    ],
  ),
  slice('data/db', [{ addresses: ['fd00:244::7'], hostname: 'six' }], [{ name: 'sql', port: 5432 }], 'six'),
)
put(service('data/portless', { clusterIP: 'None' }), slice('data/portless', ['10.244.1.9'], []))
put(service('data/empty', { clusterIP: 'None', ports: [{ port: 1 }] }))
put(service('ext/away', { type: 'ExternalName', externalName: 'www.Example.org.' }))
put(service('ext/inside', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }))
put(service('ext/chain', { type: 'ExternalName', externalName: 'inside.ext.svc.cluster.local' }))
put(service('ext/loop-a', { type: 'ExternalName', externalName: 'loop-b.ext.svc.cluster.local' }))
put(service('ext/loop-b', { type: 'ExternalName', externalName: 'loop-a.ext.svc.cluster.local' }))
put(service('ext/self', { type: 'ExternalName', externalName: 'self.ext.svc.cluster.local' }))
put(service('ext/address', { type: 'ExternalName', externalName: '192.0.2.1' }))
records.setNamespace('quiet', true)

/** The whole way through bytes, read back by an independent implementation. */
const ask = (name: string, type: string, limit = 4_096): DecodedPacket | undefined => {
  const packet = Buffer.from(encode({ type: 'query', id: 7, questions: [{ name, type: type as 'A' }] }))
  const query = decodeQuery(packet)
  if (query === undefined || 'rcode' in query) throw new Error('not a query')
  const said = answer(query, records)
  return said && decode(encodeReply(packet, query, said, limit))
}
const line = (one: DnsAnswer): string => {
  const data = 'data' in one ? (one.data as unknown) : ''
  if (one.type === 'SRV' && typeof data === 'object' && data !== null && 'weight' in data && 'port' in data && 'target' in data)
    return `${one.name} SRV ${data.weight} ${data.port} ${data.target}`
  if (one.type === 'SOA') return `${one.name} SOA`
  return `${one.name} ${one.type} ${one.type === 'TXT' ? String(data) : data}`
}
const said = (name: string, type: string): string[] => {
  const reply = ask(name, type)
  if (reply === undefined) return ['upstream']
  const { rcode } = reply as unknown as { rcode: string }
  const sections = [reply.answers, reply.authorities, reply.additionals].map((all) => (all ?? []).map(line).sort())
  return [rcode, ...(sections[0] ?? []), ...(sections[1] ?? []).map((one) => `! ${one}`), ...(sections[2] ?? []).map((one) => `+ ${one}`)]
}

const NO_DATA = ['NOERROR', '! cluster.local SOA']
const NO_NAME = ['NXDOMAIN', '! cluster.local SOA']
const WEB = 'web.default.svc.cluster.local'
const DB = 'db.data.svc.cluster.local'

describe('a service with an address', () => {
  test.each([
    [WEB, 'A', ['NOERROR', `${WEB} A 10.96.0.20`]],
    [WEB, 'AAAA', NO_DATA],
    [WEB, 'TXT', NO_DATA],
    [WEB, 'ANY', NO_DATA],
    ['both.default.svc.cluster.local', 'AAAA', ['NOERROR', 'both.default.svc.cluster.local AAAA fd00:96::21']],
    [`_http._tcp.${WEB}`, 'SRV', ['NOERROR', `_http._tcp.${WEB} SRV 100 80 ${WEB}`, `+ ${WEB} A 10.96.0.20`]],
    [WEB, 'SRV', ['NOERROR', `${WEB} SRV 50 443 ${WEB}`, `${WEB} SRV 50 80 ${WEB}`, `+ ${WEB} A 10.96.0.20`]],
    [`_http._tcp.${WEB}`, 'A', ['NOERROR', `_http._tcp.${WEB} A 10.96.0.20`]],
    [`_http._udp.${WEB}`, 'SRV', NO_NAME],
    [`_nothing._tcp.${WEB}`, 'SRV', NO_NAME],
    [`10-244-0-3.${WEB}`, 'A', ['NOERROR', `10-244-0-3.${WEB} A 10.244.0.3`]],
    [`10-244-0-4.${WEB}`, 'A', NO_NAME],
    [`a.b.c.${WEB}`, 'A', NO_NAME],
  ])('%s %s', (name, type, expected) => {
    expect(said(name, type)).toEqual(expected)
  })
})

describe('a headless service', () => {
  test.each([
    [DB, 'A', ['NOERROR', `${DB} A 10.244.1.4`, `${DB} A 10.244.1.5`, `${DB} A 10.244.1.7`]],
    [DB, 'AAAA', ['NOERROR', `${DB} AAAA fd00:244::7`]],
    [`db-0.${DB}`, 'A', ['NOERROR', `db-0.${DB} A 10.244.1.4`]],
    [`db-1.${DB}`, 'A', ['NOERROR', `db-1.${DB} A 10.244.1.5`]],
    [`db-2.${DB}`, 'A', NO_NAME],
    [`six.${DB}`, 'A', NO_DATA],
    [`10-244-1-7.${DB}`, 'A', ['NOERROR', `10-244-1-7.${DB} A 10.244.1.7`]],
    [
      `_metrics._tcp.${DB}`,
      'SRV',
      [
        'NOERROR',
        `_metrics._tcp.${DB} SRV 33 9187 10-244-1-7.${DB}`,
        `_metrics._tcp.${DB} SRV 33 9187 db-0.${DB}`,
        `_metrics._tcp.${DB} SRV 33 9187 db-1.${DB}`,
        `+ 10-244-1-7.${DB} A 10.244.1.7`,
        `+ db-0.${DB} A 10.244.1.4`,
        `+ db-1.${DB} A 10.244.1.5`,
      ],
    ],
    ['portless.data.svc.cluster.local', 'A', ['NOERROR', 'portless.data.svc.cluster.local A 10.244.1.9']],
    ['portless.data.svc.cluster.local', 'SRV', NO_DATA],
    ['empty.data.svc.cluster.local', 'A', NO_NAME],
  ])('%s %s', (name, type, expected) => {
    expect(said(name, type)).toEqual(expected)
  })
})

describe('an external name', () => {
  test.each([
    ['away.ext.svc.cluster.local', 'A', ['NOERROR', 'away.ext.svc.cluster.local CNAME www.example.org']],
    ['away.ext.svc.cluster.local', 'CNAME', ['NOERROR', 'away.ext.svc.cluster.local CNAME www.example.org']],
    ['away.ext.svc.cluster.local', 'MX', NO_DATA],
    ['_a._tcp.away.ext.svc.cluster.local', 'SRV', NO_NAME],
    ['inside.ext.svc.cluster.local', 'A', ['NOERROR', `inside.ext.svc.cluster.local CNAME ${WEB}`, `${WEB} A 10.96.0.20`]],
    [
      'chain.ext.svc.cluster.local',
      'A',
      [
        'NOERROR',
        'chain.ext.svc.cluster.local CNAME inside.ext.svc.cluster.local',
        `inside.ext.svc.cluster.local CNAME ${WEB}`,
        `${WEB} A 10.96.0.20`,
      ],
    ],
    ['self.ext.svc.cluster.local', 'A', NO_NAME],
    ['address.ext.svc.cluster.local', 'A', NO_NAME],
  ])('%s %s', (name, type, expected) => {
    expect(said(name, type)).toEqual(expected)
  })

  test('a circle of aliases ends', () => {
    expect(said('loop-a.ext.svc.cluster.local', 'A').length).toBeLessThan(12)
  })
})

describe('the zone, namespaces, pods, and what is not ours', () => {
  test.each([
    ['cluster.local', 'SOA', ['NOERROR', 'cluster.local SOA']],
    ['cluster.local', 'NS', ['NOERROR', 'cluster.local NS ns.dns.cluster.local', '+ ns.dns.cluster.local A 10.96.0.10']],
    ['cluster.local', 'A', NO_DATA],
    ['ns.dns.cluster.local', 'A', ['NOERROR', 'ns.dns.cluster.local A 10.96.0.10']],
    ['dns-version.cluster.local', 'TXT', ['NOERROR', 'dns-version.cluster.local TXT 1.1.0']],
    ['svc.cluster.local', 'A', NO_DATA],
    ['default.svc.cluster.local', 'A', NO_DATA],
    ['quiet.svc.cluster.local', 'A', NO_DATA],
    ['nowhere.svc.cluster.local', 'A', NO_NAME],
    ['gone.default.svc.cluster.local', 'A', NO_NAME],
    ['www.google.com.cluster.local', 'A', NO_NAME],
    ['www.google.com.svc.cluster.local', 'A', NO_NAME],
    ['www.google.com.default.svc.cluster.local', 'A', NO_NAME],
    ['1-2-3-4.default.pod.cluster.local', 'A', ['NOERROR', '1-2-3-4.default.pod.cluster.local A 1.2.3.4']],
    ['1-2-3-4.default.pod.cluster.local', 'AAAA', NO_DATA],
    ['fd00--1.default.pod.cluster.local', 'AAAA', ['NOERROR', 'fd00--1.default.pod.cluster.local AAAA fd00::1']],
    ['1-2-3-4.nowhere.pod.cluster.local', 'A', NO_NAME],
    ['1-2-3-444.default.pod.cluster.local', 'A', NO_NAME],
    ['default.pod.cluster.local', 'A', NO_DATA],
    ['notcluster.local', 'A', ['upstream']],
    ['www.google.com', 'A', ['upstream']],
    ['local', 'A', ['upstream']],
  ])('%s %s', (name, type, expected) => {
    expect(said(name, type)).toEqual(expected)
  })
})

describe('the way back', () => {
  test.each([
    ['20.0.96.10.in-addr.arpa', 'PTR', ['NOERROR', `20.0.96.10.in-addr.arpa PTR ${WEB}`]],
    ['4.1.244.10.in-addr.arpa', 'PTR', ['NOERROR', `4.1.244.10.in-addr.arpa PTR db-0.${DB}`]],
    ['7.1.244.10.in-addr.arpa', 'PTR', ['NXDOMAIN', '! in-addr.arpa SOA']],
    ['6.1.244.10.in-addr.arpa', 'PTR', ['NXDOMAIN', '! in-addr.arpa SOA']],
    ['20.0.96.10.in-addr.arpa', 'A', ['NOERROR', '! in-addr.arpa SOA']],
    ['1.2.0.192.in-addr.arpa', 'PTR', ['upstream']],
    ['0.96.10.in-addr.arpa', 'PTR', ['upstream']],
    [
      '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa',
      'PTR',
      ['NOERROR', `7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa PTR six.${DB}`],
    ],
    ['7.ip6.arpa', 'PTR', ['upstream']],
  ])('%s %s', (name, type, expected) => {
    expect(said(name, type)).toEqual(expected)
  })
})

test('records follow changes: what was answered before does not stay', () => {
  const more = createRecords()
  const key = 'default/web'
  const look = () => answer({ name: WEB, type: 1 }, more)
  more.set(key, service(key, { clusterIP: '10.96.0.20', ports: [{ port: 80 }] }), [], 0)
  expect(look()?.answers).toHaveLength(1)
  expect(look()).toBe(look())
  more.set(key, service(key, { clusterIP: 'None', ports: [{ port: 80 }] }), [slice(key, ['10.244.0.3', '10.244.0.4'])], 0)
  expect(look()?.answers).toHaveLength(2)
  more.set(key, undefined, [], 0)
  expect(look()?.rcode).toBe(3)
  expect(more.hasNamespace('default')).toBe(false)
  expect(more.pointers('0a600014')).toEqual([])
})

test('the start of authority carries the time of the last change and the times of CoreDNS', () => {
  expect(ask('cluster.local', 'SOA')?.answers).toMatchObject([
    {
      ttl: 30,
      data: {
        mname: 'ns.dns.cluster.local',
        rname: 'hostmaster.cluster.local',
        serial: 1_700_000_000,
        refresh: 7_200,
        retry: 1_800,
        expire: 86_400,
        minimum: 30,
      },
    },
  ])
})

test('all records live 30 s', () => {
  for (const [name, type] of [
    [WEB, 'A'],
    [`_http._tcp.${WEB}`, 'SRV'],
    ['20.0.96.10.in-addr.arpa', 'PTR'],
    ['away.ext.svc.cluster.local', 'CNAME'],
  ] as const)
    for (const one of ask(name, type)?.answers ?? []) expect(one).toMatchObject({ ttl: 30 })
})
