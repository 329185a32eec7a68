import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as api from '@skiff/api'
import { connect, createMemoryServer, createViews, virtualEnv } from '@skiff/client'
import { startScheduler } from '@skiff/scheduler'
import { afterAll, expect, test } from 'vitest'
import type { ClusterRecord } from './record.ts'
import { refuseChanges, withChanges } from './record-choice.ts'
import { schedulerChoice, schedulerSetup } from './scheduler-setup.ts'

const example = (name: string) => resolve(import.meta.dirname, '../../../examples/scheduler-plugins', name)
const dir = mkdtempSync(join(tmpdir(), 'setup-'))
afterAll(() => rmSync(dir, { recursive: true }))
const fileOf = (name: string, text: string): string => {
  const path = join(dir, name)
  writeFileSync(path, text)
  return path
}

test('the example of the guide runs: a plugin keeps pods off a node, another binds a gang together', async () => {
  const record = schedulerChoice({ name: 'one', schedulerConfig: example('scheduler.yaml'), schedulerPlugins: example('maintenance.ts') })
  const env = virtualEnv(1)
  const core = [api.event, api.namespace, api.node, api.pod, api.service, api.replicationController, api.persistentVolume]
  const storage = [api.persistentVolumeClaim, api.storageClass, api.csiNode, api.csiDriver, api.csiStorageCapacity, api.volumeAttachment]
  const server = createMemoryServer(env, [...core, ...storage, api.replicaSet, api.statefulSet, api.podDisruptionBudget])
  const client = connect(server.handler, { name: 'test', groups: [] })
  const views = createViews(client, env)
  const scheduler = await startScheduler({ client, views, env, ...(await schedulerSetup(record)) })
  const settle = async () => {
    for (let turn = 0; turn < 6; turn += 1) await env.settle()
  }
  const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } }
  const add = async (name: string, labels: Record<string, string>) => {
    const spec = { schedulerName: 'default-scheduler', containers: [{ name: 'main' }] }
    await client.create(api.pod, { metadata: { name, namespace: 'a', labels }, spec })
    await settle()
  }
  const places = () => server.all(api.pod).map(({ spec }) => spec.nodeName ?? '')
  await client.create(api.node, { metadata: { name: 'n', labels: { 'example.com/closed': 'true' } }, spec: {}, status })
  const labels = { 'example.com/gang': 'g', 'example.com/gang-size': '2' }
  await add('p1', labels)
  const [condition] = server.all(api.pod)[0]?.status?.conditions ?? []
  expect(condition?.message).toContain('0/1 nodes are available: 1 node(s) were in maintenance.')
  await client.patch(api.node, { name: 'n' }, 'merge', { metadata: { labels: { 'example.com/closed': null } } })
  await settle()
  expect(places()).toEqual([''])
  await add('p2', labels)
  expect(places()).toEqual(['n', 'n'])
  await scheduler.stop()
  await views.close()
})

test('what is asked for is checked before anything starts', async () => {
  const config = fileOf('bad.yaml', 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nparallelism: -1\n')
  const refused = (options: object) => () => schedulerChoice({ name: 'one', ...options })
  expect(refused({ schedulerConfig: config })).toThrow('parallelism: Invalid value: -1: should be an integer value greater than zero')
  expect(refused({ schedulerConfig: join(dir, 'none') })).toThrow('ENOENT')
  expect(refused({ schedulerPlugins: join(dir, 'none.ts') })).toThrow('there is no')
  const setup = (schedulerPlugins: string) => schedulerSetup({ schedulerPlugins: [schedulerPlugins] })
  await expect(setup(fileOf('empty.ts', 'export const a: number = 1\n'))).rejects.toThrow('exports no `plugins`')
  await expect(setup(fileOf('wrong.ts', 'export const plugins = { A: 1 }\n'))).rejects.toThrow('is no function')
  await expect(setup(fileOf('broken.ts', 'export const plugins = {\n'))).rejects.toThrow('cannot be loaded')
})

test('it is held by the cluster until it is asked away, and a running one is not changed', () => {
  const config = example('scheduler.yaml')
  const held: ClusterRecord = {
    ...{ name: 'one', controlPlaneOnly: true, apiPort: 7000, nodes: [], controllers: ['*'] },
    format: 1,
    runtime: 'simulated',
    ranges: { pods: '10.244.0.0/16', services: '10.96.0.0/16', links: '10.200.0.0/24' },
  }
  const asked = withChanges(held, { name: 'one', schedulerConfig: config })
  expect(withChanges(asked, { name: 'one' }).schedulerConfig).toBe(config)
  expect(withChanges(asked, { name: 'one', schedulerConfig: '' }).schedulerConfig).toBe('')
  expect(() => refuseChanges(asked, { name: 'one', schedulerConfig: config })).not.toThrow()
  expect(() => refuseChanges(held, { name: 'one', schedulerConfig: config })).toThrow('runs with no --scheduler-config')
})
