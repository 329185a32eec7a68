import { expect, test } from 'vitest'
import { service, slice } from '../fixture.ts'
import type { ServiceSpec } from '../objects.ts'
import { compileRoutes } from './compile.ts'
import type { Route } from './route.ts'

const node = { nodeName: 'one', zone: 'east' }
const web: ServiceSpec = { clusterIP: '10.96.0.20', ports: [{ port: 80, protocol: 'TCP' }] }
const only = (routes: readonly Route[]): Route => {
  expect(routes).toHaveLength(1)
  return routes[0] as Route
}
const ips = (targets: Route['cluster']) => targets.map((target) => target.ip)
const on = (nodeName: string, ip: string, conditions = {}) => ({ addresses: [ip], nodeName, conditions })

test('a ClusterIP service goes to its ready endpoints, in order', () => {
  const slices = [slice('default/web', ['10.244.0.9', on('two', '10.244.1.2'), on('one', '10.244.0.3')])]
  expect(compileRoutes([service('default/web', web)], slices, node)).toEqual([
    {
      service: 'default/web',
      portName: '',
      family: 'ip',
      protocol: 'tcp',
      clusterIP: '10.96.0.20',
      port: 80,
      nodePort: 0,
      externalIPs: [],
      loadBalancerIPs: [],
      sourceRanges: [],
      affinitySeconds: 0,
      internalLocal: false,
      externalLocal: false,
      cluster: [
        { ip: '10.244.0.3', port: 8080, near: true },
        { ip: '10.244.0.9', port: 8080, near: true },
        { ip: '10.244.1.2', port: 8080, near: false },
      ],
      local: [{ ip: '10.244.0.3', port: 8080, near: true }],
    },
  ])
})

test('ports meet by name and protocol; an address in two slices counts once, the ready one', () => {
  const dns = service('kube-system/dns', {
    clusterIP: '10.96.0.10',
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      { name: 'other', port: 9, protocol: 'SCTP' },
    ],
  })
  const ports = [
    { name: 'dns', port: 1053, protocol: 'UDP' },
    { name: 'dns-tcp', port: 1054, protocol: 'TCP' },
  ]
  const slices = [
    slice('kube-system/dns', [on('two', '10.244.1.2', { ready: false })], ports),
    slice('kube-system/dns', ['10.244.1.2'], ports, 'b'),
  ]
  expect(compileRoutes([dns], slices, node).map((one) => [one.protocol, one.port, one.cluster.map((to) => to.port)])).toEqual([
    ['udp', 53, [1053]],
    ['tcp', 53, [1054]],
    ['sctp', 9, []],
  ])
})

test('without ready endpoints, terminating ones that still serve are used; on each side for itself', () => {
  const terminating = { ready: false, serving: true, terminating: true }
  const slices = [slice('default/web', [on('one', '10.244.0.3', terminating), on('two', '10.244.1.2', { ready: false })])]
  const fallen = only(compileRoutes([service('default/web', web)], slices, node))
  expect([ips(fallen.cluster), ips(fallen.local)]).toEqual([['10.244.0.3'], ['10.244.0.3']])
  const better = only(
    compileRoutes([service('default/web', web)], [...slices, slice('default/web', [on('two', '10.244.1.7')], undefined, 'b')], node),
  )
  expect([ips(better.cluster), ips(better.local)]).toEqual([['10.244.1.7'], ['10.244.0.3']])
})

test('zone hints keep traffic in the zone, unless one endpoint has none or the zone is without endpoints', () => {
  const inZone = (ip: string, zone: string) => ({ addresses: [ip], hints: { forZones: [{ name: zone }] } })
  const hinted = [inZone('10.244.0.3', 'east'), inZone('10.244.1.2', 'west')]
  const cluster = (endpoints: Parameters<typeof slice>[1], zone: string) =>
    ips(only(compileRoutes([service('default/web', web)], [slice('default/web', endpoints)], { nodeName: 'one', zone })).cluster)
  expect(cluster(hinted, 'east')).toEqual(['10.244.0.3'])
  expect(cluster(hinted, 'north')).toEqual(['10.244.0.3', '10.244.1.2'])
  expect(cluster([...hinted, '10.244.2.2'], 'east')).toEqual(['10.244.0.3', '10.244.1.2', '10.244.2.2'])
})

test('affinity, policies, addresses from outside', () => {
  const spec: ServiceSpec = {
    ...web,
    type: 'LoadBalancer',
    ports: [{ port: 80, nodePort: 30_080 }],
    externalIPs: ['192.0.2.9', 'fd00::9', '192.0.2.9'],
    sessionAffinity: 'ClientIP',
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Local',
    loadBalancerSourceRanges: ['198.51.100.0/24', 'fd00::/8', ' 203.0.113.1/32', 'nonsense'],
  }
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }, { ip: '192.0.2.8', ipMode: 'Proxy' }] } }
  const route = only(compileRoutes([service('default/web', spec, { status })], [], node))
  expect(route).toMatchObject({
    nodePort: 30_080,
    externalIPs: ['192.0.2.9'],
    loadBalancerIPs: ['192.0.2.7'],
    sourceRanges: ['198.51.100.0/24', '203.0.113.1/32'],
    affinitySeconds: 10_800,
    internalLocal: true,
    externalLocal: true,
  })
  const timed = { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }
  expect(only(compileRoutes([service('default/web', timed)], [], node)).affinitySeconds).toBe(60)
})

test('two families give two routes, each with its own endpoints', () => {
  const both: ServiceSpec = { ...web, clusterIPs: ['10.96.0.20', 'fd00:96::20'] }
  const slices = [slice('default/web', ['10.244.0.3']), slice('default/web', ['fd00:244::3'], undefined, 'six')]
  const routes = compileRoutes([service('default/web', both)], slices, node)
  expect(routes.map((route) => [route.family, route.clusterIP, ips(route.cluster)])).toEqual([
    ['ip', '10.96.0.20', ['10.244.0.3']],
    ['ip6', 'fd00:96::20', ['fd00:244::3']],
  ])
})

test.each<[string, ReturnType<typeof service>]>([
  ['headless', service('default/a', { ...web, clusterIP: 'None' })],
  ['external name', service('default/a', { ...web, type: 'ExternalName', externalName: 'example.org' })],
  ['without an address yet', service('default/a', { ...web, clusterIP: '' })],
  ['without spec', { metadata: { namespace: 'default', name: 'a' } }],
  [
    "another proxy's",
    service('default/a', web, {
      metadata: { namespace: 'default', name: 'a', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } },
    }),
  ],
  ['a bad name', service('default/a } ; flush ruleset', web)],
  ['a bad address', service('default/a', { ...web, clusterIP: '10.96.0.20 drop' })],
  ['a bad port', service('default/a', { ...web, ports: [{ port: 70_000 }] })],
  ["the node's own address", service('default/a', { ...web, clusterIP: '10.96.0.10' })],
])('no route: %s', (_, one) => {
  expect(compileRoutes([one], [], { ...node, ownAddresses: new Set(['10.96.0.10']) })).toEqual([])
})
