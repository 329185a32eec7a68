import { type Pod, type PodStatus, pod as pods } from '@skiff/api'
import { connect, type Handler, virtualEnv } from '@skiff/client'
import { beforeEach, expect, test } from 'vitest'
import { type ApiForNodes, createApiForNodes } from '../testing/api-for-nodes.ts'
import { createStatusWriter } from './status-writer.ts'

const env = virtualEnv()
let api: ApiForNodes
let first: Pod
beforeEach(async () => {
  api = createApiForNodes(env)
  first = await api.bind('node', { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
})

const status = (ready: 'True' | 'False', message: string): PodStatus => ({
  phase: 'Running',
  message,
  conditions: [{ type: 'Ready', status: ready, lastProbeTime: null as never, lastTransitionTime: '2026-01-01T00:00:00Z' }],
})
const held = () => api.pod('web')?.status

test('what is wanted while a write is under way that changes nothing is written as well', async () => {
  const stopping = new AbortController()
  let writer: ReturnType<typeof createStatusWriter> | undefined
  // The server has the first status already, which the writer does not know; while it finds out, the next is wanted.
  const target = { namespace: 'default', name: 'web', subresource: 'status' }
  const known = await api.client.patch(pods, target, 'strategic', { status: status('False', 'starts') })
  const stale: Pod = { ...known, status: {} as PodStatus }
  let patches = 0
  const handler: Handler = async (call) => {
    if (call.verb === 'patch' && ++patches === 1) writer?.set(status('True', 'runs'))
    return patches === 1 && call.verb === 'patch' ? { status: 200, object: known } : api.handler(call)
  }
  writer = createStatusWriter(connect(handler, api.client.identity), env, stale, stopping.signal)
  writer.set(status('False', 'starts'))
  await writer.settled()
  expect(held()?.message).toBe('runs')
  expect(held()?.conditions?.[0]?.status).toBe('True')
})

test('what another wrote over it is written again', async () => {
  const writer = createStatusWriter(api.client, env, first, new AbortController().signal)
  writer.set(status('True', 'runs'))
  await writer.settled()
  const target = { namespace: 'default', name: 'web', subresource: 'status' }
  const patched = await api.client.patch(pods, target, 'strategic', { status: { conditions: [{ type: 'Ready', status: 'False' }] } })
  expect(held()?.conditions?.[0]?.status).toBe('False')
  writer.saw(patched)
  await writer.settled()
  expect(held()?.conditions?.[0]?.status).toBe('True')
})
