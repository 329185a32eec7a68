import { describe, expect, test } from 'vitest'
import { service, slice } from '../../../fixture.ts'
import type { ServiceObject, ServiceSpec } from '../../../objects.ts'
import { compileRoutes } from '../../compile.ts'
import type { Route } from '../../route.ts'
import { createLedger } from './ledger.ts'
import { planChanges, planRules, tableOf } from './plan.ts'
import { printRoutes } from './print.ts'
import type { Table, TableOptions } from './table.ts'

const options: TableOptions = { name: 'skiff', family: 'ip', podRange: '10.244.0.0/16', serviceRange: '10.96.0.0/16' }
const web: ServiceSpec = { clusterIP: '10.96.0.20', ports: [{ port: 80 }] }
const one = { addresses: ['10.244.0.3'], nodeName: 'one' }
const two = { addresses: ['10.244.1.2'], nodeName: 'two' }
const three = { addresses: ['10.244.1.4'], nodeName: 'two' }

const routesOf = (objects: readonly ServiceObject[], slices: readonly ReturnType<typeof slice>[] = []): Route[] =>
  compileRoutes(objects, slices, { nodeName: 'one' })
const routes = (spec: ServiceSpec, endpoints: Parameters<typeof slice>[1], status?: ServiceObject['status']): Route[] =>
  routesOf([service('default/web', spec, { status })], [slice('default/web', endpoints)])
const table = (all: readonly Route[]): Table => tableOf(all, options)
const plan = (before: readonly Route[] | undefined, after: readonly Route[]): string =>
  planRules(before === undefined ? undefined : table(before), table(after), options)

const open: ServiceSpec = { ...web, type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30_080 }], externalIPs: ['192.0.2.9'] }
const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
const many = (count: number) => Array.from({ length: count }, (_, at) => ({ addresses: [`10.244.1.${at + 2}`], nodeName: 'two' }))

describe('goldens', () => {
  test.each<[string, readonly Route[] | undefined, readonly Route[]]>([
    ['anew', undefined, routes(web, [one, two])],
    ['cluster-ip', [], routes(web, [one, two, three])],
    ['no-endpoints', [], routes(open, [], status)],
    ['endpoint-added', routes(web, [one, two]), routes(web, [one, two, three])],
    ['last-endpoint-gone', routes(web, [one]), routes(web, [])],
    ['removed', routes(open, [one, two], status), []],
    ['everything-open', [], routes({ ...open, loadBalancerSourceRanges: ['198.51.100.0/24'] }, [one, two], status)],
    ['external-local', [], routes({ ...open, externalTrafficPolicy: 'Local' }, [one, two], status)],
    ['external-local-none-here', [], routes({ ...open, externalTrafficPolicy: 'Local' }, [two], status)],
    ['internal-local-none-here', [], routes({ ...web, internalTrafficPolicy: 'Local' }, [two])],
    ['affinity', [], routes({ ...web, sessionAffinity: 'ClientIP' }, [one, two])],
    [
      'affinity-endpoint-replaced',
      routes({ ...web, sessionAffinity: 'ClientIP' }, [one, two]),
      routes({ ...web, sessionAffinity: 'ClientIP' }, [one, three]),
    ],
    ['many-endpoints', [], routes(web, many(17))],
    [
      'protocols',
      [],
      routesOf([
        service('default/all', {
          clusterIP: '10.96.0.21',
          ports: [
            { name: 'a', port: 53, protocol: 'UDP' },
            { name: 'b', port: 53, protocol: 'TCP' },
            { name: 'c', port: 53, protocol: 'SCTP' },
          ],
        }),
      ]),
    ],
  ])('%s', async (name, before, after) => {
    await expect(plan(before, after)).toMatchFileSnapshot(`goldens/${name}.nft`)
  })
})

test('IPv6 has its own table', async () => {
  const six = routesOf(
    [service('default/web', { ...web, clusterIP: 'fd00:96::20', clusterIPs: ['fd00:96::20'] })],
    [slice('default/web', ['fd00:244::3', 'fd00:244::4'])],
  )
  const ranges: TableOptions = { name: 'skiff', family: 'ip6', podRange: 'fd00:244::/56', serviceRange: 'fd00:96::/112' }
  await expect(planRules(undefined, tableOf(six, ranges), ranges)).toMatchFileSnapshot('goldens/ip6.nft')
  expect(table(six).size).toBe(0)
})

test('nothing changed, nothing said', () => {
  const same = routes(open, [one, two], status)
  expect(plan(same, routes(open, [two, one], status))).toBe('')
})

test('the ledger says the same as the whole comparison, for one service among many', () => {
  const ledger = createLedger()
  const before = [...routes(open, [one, two], status), ...routesOf([service('default/other', { ...web, clusterIP: '10.96.0.30' })])]
  const after = [...routes(open, [one, three], status), ...routesOf([service('default/other', { ...web, clusterIP: '10.96.0.30' })])]
  const set = (all: readonly Route[]) => {
    for (const [owner, group] of Map.groupBy(all, (route) => route.service)) ledger.set(owner, printRoutes(group, options.podRange))
  }
  set(before)
  expect([...ledger.table().keys()].sort()).toEqual([...table(before).keys()].sort())
  ledger.take()
  set(after)
  const sorted = (text: string) => text.split('\n').sort()
  expect(sorted(planChanges(ledger.take(), options))).toEqual(sorted(plan(before, after)))
  expect(ledger.take()).toEqual([])
})

test('what two services ask for stays until both let go, and changes that undo each other say nothing', () => {
  const ledger = createLedger()
  const a = routesOf([service('default/a', { ...web, externalIPs: ['192.0.2.9'] })], [slice('default/a', [one])])
  const b = routesOf([service('default/b', { ...web, clusterIP: '10.96.0.31', externalIPs: ['192.0.2.9'] })], [slice('default/b', [one])])
  const verdict = () => ledger.table().get('service-ips 192.0.2.9 . tcp . 80')?.value
  ledger.set('default/b', printRoutes(b, options.podRange))
  ledger.set('default/a', printRoutes(a, options.podRange))
  expect(verdict()).toBe('goto ext-default/a/tcp-80')
  ledger.take()
  ledger.set('default/a', [])
  expect(verdict()).toBe('goto ext-default/b/tcp-80')
  expect(ledger.table().has('hairpin 10.244.0.3 . 10.244.0.3')).toBe(true)
  ledger.set('default/a', printRoutes(a, options.podRange))
  expect(ledger.take()).toEqual([])
  ledger.set('default/a', [])
  ledger.set('default/b', [])
  expect(ledger.table().size).toBe(0)
})
