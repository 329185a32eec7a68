import { ipAddress, type ServiceCIDR, service, serviceCIDR } from '@skiff/api'
import { afterEach, expect, test } from 'vitest'
import { type RealCluster, realCluster } from '../testing/real-cluster.ts'

let cluster: RealCluster | undefined
const start = async (): Promise<RealCluster> => {
  cluster = await realCluster({ nodes: [], enabled: ['service-cidr-controller'] })
  await cluster.live(1_000)
  return cluster
}
afterEach(async () => {
  expect(cluster?.troubled()).toEqual([])
  await cluster?.stop()
  cluster = undefined
})

const ready = ({ status }: ServiceCIDR) => {
  const { status: now, reason, message } = status?.conditions?.find(({ type }) => type === 'Ready') ?? {}
  return `${now} ${reason}: ${message}`
}
const held = async ({ list }: RealCluster) => (await list(serviceCIDR)) as readonly ServiceCIDR[]
const blocked = 'False Terminating: There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
const make = (name: string, ...cidrs: string[]) => cluster?.client.create(serviceCIDR, { metadata: { name }, spec: { cidrs } })

test('every ServiceCIDR is protected and ready', async () => {
  const started = await start()
  await make('more', '10.97.0.0/24')
  await started.live(1_000)
  const all = await held(started)
  expect(all.map(({ metadata }) => metadata.finalizers)).toEqual(Array(2).fill(['networking.k8s.io/service-cidr-finalizer']))
  expect(all.map(ready)).toEqual(Array(2).fill('True : Kubernetes Service CIDR is ready'))
})

test('one that is deleted waits for the last Service with an address of it, then ten seconds more', async () => {
  const started = await start()
  const { client } = started
  await make('more', '10.97.0.0/24')
  await started.live(1_000)
  await client.create(service, {
    metadata: { name: 's', namespace: 'default' },
    spec: { clusterIP: '10.97.0.9', ports: [{ port: 80 }] },
  } as never)
  await client.remove(serviceCIDR, { name: 'more' })
  await started.live(15_000)
  expect((await held(started)).map(ready)).toEqual(['True : Kubernetes Service CIDR is ready', blocked])
  await client.remove(service, { namespace: 'default', name: 's' })
  expect(await started.list(ipAddress)).toEqual([])
  await started.live(1_000)
  expect((await held(started)).map(({ metadata }) => metadata.name)).toEqual(['kubernetes'])
})

test('one that another covers goes with its addresses in use', async () => {
  const started = await start()
  const { client } = started
  await make('part', '10.96.8.0/24')
  await client.create(service, {
    metadata: { name: 's', namespace: 'default' },
    spec: { clusterIP: '10.96.8.9', ports: [{ port: 80 }] },
  } as never)
  await started.live(1_000)
  await client.remove(serviceCIDR, { name: 'part' })
  await started.live(2_000)
  expect((await held(started)).map(({ metadata }) => metadata.name)).toEqual(['kubernetes', 'part'])
  await started.live(9_000)
  expect((await held(started)).map(({ metadata }) => metadata.name)).toEqual(['kubernetes'])
})

test('a new ServiceCIDR sets one free whose addresses it holds', async () => {
  const started = await start()
  const { client } = started
  await make('old', '10.97.0.0/24')
  await started.live(1_000)
  await client.create(service, {
    metadata: { name: 's', namespace: 'default' },
    spec: { clusterIP: '10.97.0.9', ports: [{ port: 80 }] },
  } as never)
  await client.remove(serviceCIDR, { name: 'old' })
  await started.live(15_000)
  await make('new', '10.97.0.0/16')
  await started.live(1_000)
  expect((await held(started)).map(({ metadata }) => metadata.name)).toEqual(['kubernetes', 'new'])
})
