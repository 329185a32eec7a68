import type { ConfigMap } from '@skiff/api'
import { configMap as configMaps, secret as secrets } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { tokenCleanerController } from './cleaner.ts'
import { bootstrapSignerController, detachedSignature } from './signer.ts'

const text = (value: string) => Buffer.from(value).toString('base64')
const token = (cluster: TestCluster, id: string, more: Readonly<Record<string, string>> = {}) => {
  const data = { 'token-id': id, 'token-secret': 'abcdefghijklmnop', 'usage-bootstrap-signing': 'true', ...more }
  return cluster.client.create(secrets, {
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, text(value)])),
  } as never)
}
const info = (cluster: TestCluster) => (cluster.server.all(configMaps)[0] as ConfigMap).data ?? {}

test('a signature is what kubeadm checks', () => {
  // As upstream's own test has it.
  expect(detachedSignature('Hello from the other side. I must have called a thousand times.', 'joshua', 'my voice is my passcode')).toBe(
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  )
})

test.each([1, 2, 3])('tokens sign the public configuration until they end (seed %i)', async (seed) => {
  const rates = { lostCall: 0.1, lostReply: 0.1, repeat: 0.1, delay: 0.2, maxDelayMs: 1_000 }
  const cluster = testCluster([bootstrapSignerController(), tokenCleanerController()], { seed, rates })
  const metadata = { namespace: 'kube-public', name: 'cluster-info' }
  await cluster.client.create(configMaps, { metadata, data: { kubeconfig: 'config', 'jws-kubeconfig-gone00': 'x' } } as never)
  await token(cluster, 'aaaaaa')
  await token(cluster, 'bbbbbb', { expiration: rfc3339(cluster.env.now() + 120_000) })
  await token(cluster, 'cccccc', { 'usage-bootstrap-signing': 'false' })
  await cluster.live(60_000)
  expect(Object.keys(info(cluster)).sort()).toEqual(['jws-kubeconfig-aaaaaa', 'jws-kubeconfig-bbbbbb', 'kubeconfig'])
  await cluster.live(120_000)
  cluster.faults.stop()
  await cluster.live(60_000)
  expect(Object.keys(info(cluster)).sort()).toEqual(['jws-kubeconfig-aaaaaa', 'kubeconfig'])
  expect(cluster.server.all(secrets).map((each) => each.metadata.name)).toEqual(['bootstrap-token-aaaaaa', 'bootstrap-token-cccccc'])
  await cluster.stop()
})
