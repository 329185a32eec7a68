import { expect, test } from 'vitest'
import { service, slice } from '../../../fixture.ts'
import type { ServiceSpec } from '../../../objects.ts'
import { compileRoutes } from '../../compile.ts'
import { planFlows } from './flows.ts'

const dns: ServiceSpec = { clusterIP: '10.96.0.10', ports: [{ port: 53, protocol: 'UDP', nodePort: 30_053 }] }
const routes = (spec: ServiceSpec, ips: readonly string[]) =>
  compileRoutes([service('kube-system/dns', spec)], [slice('kube-system/dns', ips, [{ port: 53, protocol: 'UDP' }])], { nodeName: 'one' })
const said = (before: ReturnType<typeof routes>, after: ReturnType<typeof routes>) => planFlows(before, after).map((one) => one.join(' '))

test('flows to an endpoint that went are removed, for each address of the service', () => {
  expect(said(routes(dns, ['10.244.0.3', '10.244.1.2']), routes(dns, ['10.244.1.2']))).toEqual([
    '-D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --dst-nat 10.244.0.3',
    '-D -f ipv4 -p udp --orig-port-dst 30053 --dst-nat 10.244.0.3',
  ])
})

test('the first endpoint frees those who asked before it was there', () => {
  expect(said(routes(dns, []), routes(dns, ['10.244.1.2']))).toEqual([
    '-D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53',
    '-D -f ipv4 -p udp --orig-port-dst 30053',
  ])
})

test('a service that goes takes its flows along; many at once go together', () => {
  expect(said(routes({ ...dns, ports: [{ port: 53, protocol: 'UDP' }] }, ['10.244.1.2']), [])).toEqual([
    '-D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --dst-nat 10.244.1.2',
  ])
  const many = Array.from({ length: 20 }, (_, at) => `10.244.0.${at + 2}`)
  expect(said(routes(dns, many), [])).toHaveLength(2)
})

test('TCP ends by itself', () => {
  const tcp: ServiceSpec = { clusterIP: '10.96.0.10', ports: [{ port: 53 }] }
  const all = (ips: readonly string[]) => compileRoutes([service('a/b', tcp)], [slice('a/b', ips)], { nodeName: 'one' })
  expect(planFlows(all(['10.244.0.3']), all([]))).toEqual([])
})
