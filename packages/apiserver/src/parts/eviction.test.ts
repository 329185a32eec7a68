import { namespace, type Pod, pod, podDisruptionBudget, serviceAccount, transcode } from '@skiff/api'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { refusal, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
let ns: string
let spaces = 0
beforeAll(async () => {
  api = await startTestServer()
})
afterAll(() => api.close())
beforeEach(async () => {
  ns = `evicted-${spaces++}`
  await api.near.create(namespace, { metadata: { name: ns } } as never)
  await api.near.create(serviceAccount, { metadata: { name: 'default', namespace: ns } } as never)
})

/** A pod on a node, so that a deletion waits for the node and the status can be seen. */
const running = async (name: string, status: object = {}): Promise<Pod> => {
  await api.near.create(pod, {
    metadata: { name, namespace: ns, labels: { app: 'web' } },
    spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'nginx' }] },
  } as never)
  return api.near.patch(pod, { namespace: ns, name, subresource: 'status' }, 'merge', { status: { phase: 'Running', ...status } })
}
const evict = (name: string, more: object = {}) =>
  api.near.create(pod, { metadata: { namespace: ns, name }, ...more } as never, { namespace: ns, name, subresource: 'eviction' })
const targetOf = async (name: string) =>
  (await api.near.get(pod, { namespace: ns, name })).status?.conditions?.find(({ type }) => type === 'DisruptionTarget')

test('an evicted pod says in its status why it goes', async () => {
  await running('a', { conditions: [{ type: 'Ready', status: 'True' }] })
  await evict('a')
  const { metadata, status } = await api.near.get(pod, { namespace: ns, name: 'a' })
  expect(metadata.deletionTimestamp).toBeDefined()
  expect(status?.conditions).toEqual([
    expect.objectContaining({ type: 'Ready', status: 'True' }),
    {
      type: 'DisruptionTarget',
      status: 'True',
      lastProbeTime: null,
      lastTransitionTime: expect.stringMatching(/Z$/),
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    },
  ])
})

test('a reason given before gives way, its time stays', async () => {
  const lastTransitionTime = '2020-01-01T00:00:00Z'
  await running('a', { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', lastTransitionTime }] })
  await evict('a')
  expect(await targetOf('a')).toMatchObject({ reason: 'EvictionByEvictionAPI', lastTransitionTime })
})

test('preconditions hold for the pod as the caller saw it', async () => {
  const { metadata } = await running('a')
  const { resourceVersion, uid } = metadata
  expect(await refusal(evict('a', { deleteOptions: { preconditions: { resourceVersion: '1' } } }))).toBe('409 Conflict')
  expect(await refusal(evict('a', { deleteOptions: { preconditions: { uid: 'other' } } }))).toBe('409 Conflict')
  expect(await targetOf('a')).toBeUndefined()
  await evict('a', { deleteOptions: { preconditions: { resourceVersion, uid } } })
  expect(await targetOf('a')).toMatchObject({ status: 'True' })
})

test('nothing is said of pods that stay: on a dry run, or where a budget refuses', async () => {
  await running('a', { conditions: [{ type: 'Ready', status: 'True' }] })
  await evict('a', { deleteOptions: { dryRun: ['All'] } })
  await api.near.create(podDisruptionBudget, {
    metadata: { name: 'web', namespace: ns },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'web' } } },
  } as never)
  expect(await refusal(evict('a'))).toBe('429 TooManyRequests')
  const { metadata, status } = await api.near.get(pod, { namespace: ns, name: 'a' })
  expect([metadata.deletionTimestamp, status?.conditions?.length]).toEqual([undefined, 1])
})

test('an eviction may come as protobuf, in the version that older clients speak', async () => {
  await running('p')
  const body = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p', namespace: ns } }
  const bytes = transcode(Buffer.from(JSON.stringify(body)), 'json', 'protobuf')
  const far = api.far()
  const reply = await far.handler({
    verb: 'create',
    ...{ group: '', version: 'v1', resource: 'pods', namespace: ns, name: 'p', subresource: 'eviction', query: {} },
    identity: far.identity,
    body: { bytes, contentType: 'application/vnd.kubernetes.protobuf' },
  })
  expect(reply).toMatchObject({ status: 201 })
  expect((await targetOf('p'))?.reason).toBe('EvictionByEvictionAPI')
})
