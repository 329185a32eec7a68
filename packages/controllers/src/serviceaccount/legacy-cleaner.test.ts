import type { Pod } from '@skiff/api'
import { configMap, pod, secret, serviceAccount } from '@skiff/api'
import type { FaultRates } from '@skiff/client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { legacyTokenCleanerController } from './legacy-cleaner.ts'
import { secretsOfPod } from './pod-secrets.ts'

const dayMs = 24 * 3600 * 1000
const lastUsed = 'kubernetes.io/legacy-token-last-used'
const invalidSince = 'kubernetes.io/legacy-token-invalid-since'

let cluster: TestCluster
const start = (seed = 1, rates: FaultRates = {}) => {
  cluster = testCluster([legacyTokenCleanerController()], { seed, rates })
}
afterEach(() => cluster.stop())

/** The virtual clock starts at the first of January 2025. */
const track = (since: string) =>
  cluster.client.create(configMap, {
    metadata: { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' },
    data: { since },
  } as never)
const addAccount = (names: readonly string[]) =>
  cluster.client.create(serviceAccount, { metadata: { namespace: 'a', name: 'web' }, secrets: names.map((name) => ({ name })) } as never)
const addToken = (name: string, labels: object = {}) =>
  cluster.client.create(secret, {
    metadata: { namespace: 'a', name, labels, annotations: { 'kubernetes.io/service-account.name': 'web' } },
    type: 'kubernetes.io/service-account-token',
  } as never)
const left = () =>
  Object.fromEntries(cluster.server.all(secret).map(({ metadata }) => [metadata.name, metadata.labels?.[invalidSince] ?? 'valid']))
const days = async (count: number) => {
  for (let day = 0; day < count; day += 1) await cluster.env.advance(dayMs)
}

describe('a token that was made unasked', () => {
  beforeEach(() => start())

  test('and that nobody used for a year is marked as invalid, and goes a year later; others stay', async () => {
    await track('2025-01-01')
    await addAccount(['old', 'used', 'mounted', 'odd'])
    for (const name of ['old', 'mounted', 'asked']) await addToken(name)
    await addToken('used', { [lastUsed]: '2025-06-01' })
    await addToken('odd', { [lastUsed]: 'once' })
    const volumes = [{ name: 'v', secret: { secretName: 'mounted' } }]
    await cluster.client.create(pod, { metadata: { namespace: 'a', name: 'p' }, spec: { containers: [], volumes } } as never)
    await days(360)
    expect(new Set(Object.values(left()))).toEqual(new Set(['valid']))
    await days(10)
    expect(left()).toEqual({ asked: 'valid', mounted: 'valid', odd: 'valid', old: expect.stringMatching(/^2026-01-0/), used: 'valid' })
    await cluster.client.patch(secret, { namespace: 'a', name: 'used' }, 'merge', { metadata: { labels: { [lastUsed]: '2026-01-20' } } })
    await days(358)
    expect(left()).toHaveProperty('old')
    await days(8)
    expect(left()).toEqual({ asked: 'valid', mounted: 'valid', odd: 'valid', used: 'valid' })
  })

  test('is left alone as long as its use has not been tracked for a year', async () => {
    await addAccount(['old'])
    await addToken('old')
    await days(400)
    expect(left()).toEqual({ old: 'valid' })
    await track('2026-02-01')
    await days(300)
    expect(left()).toEqual({ old: 'valid' })
  })
})

test.each([1, 2, 3])('over lost, repeated and reordered calls the same ones go (seed %i)', async (seed) => {
  start(seed, { lostCall: 0.2, lostReply: 0.2, conflict: 0.2, delay: 0.3, maxDelayMs: 2_000, repeat: 0.2, cutWatch: 0.1 })
  await track('2025-01-01')
  await addAccount(['one', 'two', 'three'])
  for (const name of ['one', 'two', 'three', 'asked']) await addToken(name)
  await days(380)
  expect(Object.entries(left()).filter(([, since]) => since === 'valid')).toEqual([['asked', 'valid']])
  await days(380)
  expect(left()).toEqual({ asked: 'valid' })
})

test('secrets that a pod names', () => {
  const container = { name: 'c', image: 'i' }
  const spec = {
    imagePullSecrets: [{ name: 'pull' }],
    initContainers: [{ ...container, envFrom: [{ secretRef: { name: 'all' } }] }],
    containers: [
      {
        ...container,
        env: [
          { name: 'E', valueFrom: { secretKeyRef: { name: 'one', key: 'k' } } },
          { name: 'F', value: 'v' },
        ],
      },
    ],
    volumes: [
      { name: 'a', secret: { secretName: 'mounted' } },
      { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }, { configMap: { name: 'no' } }] } },
      { name: 'c', csi: { driver: 'd', nodePublishSecretRef: { name: 'published' } } },
      { name: 'd', iscsi: { secretRef: { name: 'chap' } } },
      { name: 'e', azureFile: { secretName: 'azure', shareName: 's' } },
      { name: 'f', emptyDir: {} },
    ],
  }
  expect([...secretsOfPod({ spec } as unknown as Pod)].sort()).toEqual(
    ['all', 'azure', 'chap', 'mounted', 'one', 'projected', 'published', 'pull'].sort(),
  )
})
