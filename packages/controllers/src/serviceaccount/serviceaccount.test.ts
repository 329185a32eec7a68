import type { Secret, ServiceAccount } from '@skiff/api'
import { configMap, namespace, secret, serviceAccount } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { type TestCluster, testCluster } from '../testing/cluster.ts'
import { serviceAccountController } from './default-account.ts'
import { rootCaController } from './root-ca.ts'
import { tokenController } from './tokens.ts'

let bundle = 'PEM one'
let signed = 0
const sign = async (account: ServiceAccount, of: Secret): Promise<string> => {
  signed += 1
  return `token of ${account.metadata.name} in ${of.metadata.name}`
}
const start = async () => {
  bundle = 'PEM one'
  signed = 0
  const cluster = testCluster([serviceAccountController(), rootCaController(() => bundle), tokenController({ sign, bundle: () => bundle })])
  await cluster.client.create(namespace, { metadata: { name: 'a' }, spec: {} })
  await cluster.env.advance(1_000)
  return cluster
}
const names = (cluster: TestCluster, resource: typeof secret | typeof configMap | typeof serviceAccount) =>
  cluster.server.all(resource as typeof secret).map((one) => one.metadata.name)
const text = (data: string | undefined) => Buffer.from(data ?? '', 'base64').toString()

describe('a namespace', () => {
  test('has an account and the bundle, which come back when they are removed or changed', async () => {
    const cluster = await start()
    expect(names(cluster, serviceAccount)).toEqual(['default'])
    expect(cluster.server.all(configMap)[0]).toMatchObject({
      metadata: { name: 'kube-root-ca.crt', annotations: { 'kubernetes.io/description': expect.stringMatching(/^Contains a CA bundle/) } },
      data: { 'ca.crt': 'PEM one' },
    })
    await cluster.client.remove(serviceAccount, { namespace: 'a', name: 'default' })
    await cluster.client.remove(configMap, { namespace: 'a', name: 'kube-root-ca.crt' })
    await cluster.env.advance(1_000)
    expect([...names(cluster, serviceAccount), ...names(cluster, configMap)]).toEqual(['default', 'kube-root-ca.crt'])
    await cluster.client.patch(configMap, { namespace: 'a', name: 'kube-root-ca.crt' }, 'merge', {
      data: { 'ca.crt': 'forged', more: 'x' },
    })
    await cluster.env.advance(1_000)
    expect(cluster.server.all(configMap)[0]?.data).toEqual({ 'ca.crt': 'PEM one' })
    await cluster.stop()
  })

  test('that goes gets none', async () => {
    const cluster = await start()
    await cluster.client.remove(namespace, { name: 'a' })
    await cluster.client.remove(serviceAccount, { namespace: 'a', name: 'default' })
    await cluster.client.remove(configMap, { namespace: 'a', name: 'kube-root-ca.crt' })
    await cluster.env.advance(5_000)
    expect([...names(cluster, serviceAccount), ...names(cluster, configMap)]).toEqual([])
    await cluster.stop()
  })
})

describe('a token secret', () => {
  const make = (cluster: TestCluster, annotations: Record<string, string> = { 'kubernetes.io/service-account.name': 'default' }) =>
    cluster.client.create(secret, {
      metadata: { namespace: 'a', name: 'mine', annotations },
      type: 'kubernetes.io/service-account-token',
    })
  const held = (cluster: TestCluster) => cluster.server.all(secret)[0]

  test('is filled, once, and follows the bundle', async () => {
    const cluster = await start()
    await make(cluster)
    await cluster.env.advance(1_000)
    const [account] = cluster.server.all(serviceAccount)
    expect(held(cluster)?.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(account?.metadata.uid)
    const data = () => Object.fromEntries(Object.entries(held(cluster)?.data ?? {}).map(([name, value]) => [name, text(value)]))
    expect(data()).toEqual({ 'ca.crt': 'PEM one', namespace: 'a', token: 'token of default in mine' })
    bundle = 'PEM two'
    await cluster.client.patch(secret, { namespace: 'a', name: 'mine' }, 'merge', { metadata: { labels: { a: 'b' } } })
    await cluster.env.advance(1_000)
    expect(data()).toMatchObject({ 'ca.crt': 'PEM two', token: 'token of default in mine' })
    expect(signed).toBe(1)
    await cluster.stop()
  })

  test('of no account, or of an earlier one of its name, is removed', async () => {
    const cluster = await start()
    await make(cluster, { 'kubernetes.io/service-account.name': 'nobody' })
    await cluster.env.advance(1_000)
    expect(names(cluster, secret)).toEqual([])
    await make(cluster, { 'kubernetes.io/service-account.name': 'default', 'kubernetes.io/service-account.uid': 'old' })
    await cluster.env.advance(1_000)
    expect(names(cluster, secret)).toEqual([])
    expect(signed).toBe(0)
    await cluster.stop()
  })

  test('goes with its account, and waits for nobody else', async () => {
    const cluster = await start()
    await make(cluster)
    await cluster.client.create(secret, { metadata: { namespace: 'a', name: 'plain' }, type: 'Opaque' })
    await cluster.env.advance(1_000)
    await cluster.client.remove(serviceAccount, { namespace: 'a', name: 'default' })
    await cluster.env.advance(1_000)
    expect(names(cluster, secret)).toEqual(['plain'])
    await cluster.stop()
  })

  test('that goes is no longer named by its account', async () => {
    const cluster = await start()
    await make(cluster)
    await cluster.env.advance(1_000)
    await cluster.client.patch(serviceAccount, { namespace: 'a', name: 'default' }, 'merge', {
      secrets: [{ name: 'mine' }, { name: 'other' }],
    })
    await cluster.client.remove(secret, { namespace: 'a', name: 'mine' })
    await cluster.env.advance(1_000)
    expect(cluster.server.all(serviceAccount)[0]?.secrets).toEqual([{ name: 'other' }])
    await cluster.stop()
  })
})
