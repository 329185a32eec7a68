import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configMap, secret, serviceAccount } from '@skiff/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusal, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-older-'))
beforeAll(async () => {
  api = await startTestServer({ pkiDir })
})
afterAll(async () => {
  await api.close()
  rmSync(pkiDir, { recursive: true, force: true })
})

/** A token as controller managers signed them for secrets before tokens were bound. */
const oldToken = (uid: string): string => {
  const key = readFileSync(join(pkiDir, 'service-account.key'), 'utf8')
  const kid = createHash('sha256')
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('base64url')
  const claim = (name: string, value: string) => [`kubernetes.io/serviceaccount/${name}`, value]
  const claims = Object.fromEntries([
    ['iss', 'kubernetes/serviceaccount'],
    ['sub', 'system:serviceaccount:default:old'],
    ...[claim('namespace', 'default'), claim('secret.name', 'old-token'), claim('service-account.name', 'old')],
    claim('service-account.uid', uid),
  ])
  const text = [{ alg: 'ES256', kid }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const signature = sign('sha256', Buffer.from(text), { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

test('a token of a secret from before tokens were bound holds as long as its secret holds it', async () => {
  const { metadata } = await api.near.create(serviceAccount, { metadata: { name: 'old', namespace: 'default' } } as never)
  const token = oldToken(metadata.uid)
  const read = () => refusal(api.far({ token }).get(configMap, { namespace: 'default', name: 'x' }))
  expect(await read()).toBe('401 Unauthorized')
  await api.near.create(secret, {
    metadata: { name: 'old-token', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'old' } },
    type: 'kubernetes.io/service-account-token',
    data: { token: Buffer.from(token).toString('base64') },
  } as never)
  // Known, and without any right.
  expect(await read()).toBe('403 Forbidden')
  await api.near.remove(secret, { namespace: 'default', name: 'old-token' })
  expect(await read()).toBe('401 Unauthorized')
})

test('who may read one object may list and watch that one by its name', async () => {
  const scheduler = api.server.client({ name: 'system:kube-scheduler', groups: ['system:authenticated'] })
  const list = (fieldSelector: string) => scheduler.list(configMap, { namespace: 'kube-system' }, { query: { fieldSelector } })
  const { items } = await list('metadata.name=extension-apiserver-authentication')
  expect(items.map(({ metadata }) => metadata.name)).toEqual(['extension-apiserver-authentication'])
  expect(await refusal(list('metadata.name!=extension-apiserver-authentication'))).toBe('403 Forbidden')
  expect(await refusal(list('metadata.name=other'))).toBe('403 Forbidden')
})
