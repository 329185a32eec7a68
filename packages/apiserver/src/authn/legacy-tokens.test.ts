import { configMap, secret, serviceAccount } from '@skiff/api'
import { virtualEnv } from '@skiff/client'
import { rfc3339, systemEnv } from '@skiff/machinery'
import { afterEach, expect, test } from 'vitest'
import { refusal, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
afterEach(() => api.close())

const where = { namespace: 'default', name: 'old' }
const dayMs = 24 * 3600 * 1000
const day = (ms: number) => rfc3339(ms).slice(0, 10)
/** A server whose days can be moved on, and a secret that holds a token of an account. */
const start = async () => {
  const real = systemEnv()
  let aheadMs = 0
  const env = { ...real, now: () => real.now() + aheadMs }
  api = await startTestServer({ env })
  const { metadata } = await api.near.create(serviceAccount, { metadata: where } as never)
  const token = api.server.signer.signForSecret({ namespace: 'default', secret: 'old', account: { name: 'old', uid: metadata.uid } })
  await api.near.create(secret, {
    metadata: { ...where, annotations: { 'kubernetes.io/service-account.name': 'old' } },
    type: 'kubernetes.io/service-account-token',
    data: { token: Buffer.from(token).toString('base64') },
  } as never)
  // Known, and without any right; or not known.
  const use = async () => {
    const told = await refusal(api.far({ token }).get(configMap, { namespace: 'default', name: 'x' }))
    await env.sleep(0)
    return told
  }
  const held = () => api.near.get(secret, where)
  const moveOn = (ms: number) => {
    aheadMs += ms
  }
  const review = async () => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
    const { text } = await api.raw('POST', '/apis/authentication.k8s.io/v1/tokenreviews', JSON.stringify(body))
    return JSON.parse(text).status as { readonly error?: string; readonly user?: { readonly username: string } }
  }
  return { env, token, use, held, review, moveOn }
}

test('the day of its last use is a label of the secret, written once a day', async () => {
  const { env, use, held, moveOn } = await start()
  const lastUsed = async () => (await held()).metadata.labels?.['kubernetes.io/legacy-token-last-used']
  expect(await use()).toBe('403 Forbidden')
  await expect.poll(lastUsed).toBe(day(env.now()))
  const first = await held()
  await use()
  // A server whose clock is ahead by a little has said tomorrow.
  moveOn(-dayMs)
  await use()
  expect((await held()).metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  moveOn(3 * dayMs)
  await use()
  await expect.poll(lastUsed).toBe(day(env.now()))
})

test('a token that was marked as invalid is none, and good again without the mark', async () => {
  const { env, use, held, review, moveOn } = await start()
  expect(await review()).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:default:old' } })
  const mark = (since: string | null) =>
    api.near.patch(secret, where, 'merge', { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': since } } })
  await mark('2024-12-01')
  expect(await use()).toBe('401 Unauthorized')
  expect((await review()).error).toBe(
    "[invalid bearer token, the token in secret default/old for service account default/old has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token]",
  )
  moveOn(2 * dayMs)
  await use()
  await expect.poll(async () => (await held()).metadata.labels?.['kubernetes.io/legacy-token-last-used']).toBe(day(env.now()))
  await mark(null)
  expect(await use()).toBe('403 Forbidden')
})

test('who uses a token that was made unasked is warned with every answer', async () => {
  const { token } = await start()
  const warned = async (): Promise<string | null> => {
    const answer = await api.raw('GET', '/api/v1/namespaces/default/configmaps', undefined, { authorization: `Bearer ${token}` })
    expect(answer.status).toBe(403)
    return (answer.headers.warning as string | undefined) ?? null
  }
  expect(await warned()).toBeNull()
  await api.near.patch(serviceAccount, where, 'merge', { secrets: [{ name: 'old' }] })
  expect(await warned()).toBe(
    '299 - "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated secret-based tokens."',
  )
})

test('since when it is tracked is said in kube-system, and said again', async () => {
  const env = virtualEnv()
  api = await startTestServer({ env })
  const name = 'kube-apiserver-legacy-service-account-token-tracking'
  const tracking = { namespace: 'kube-system', name }
  expect((await api.near.get(configMap, tracking)).data).toEqual({ since: '2025-01-01' })
  await env.advance(2 * dayMs)
  await api.near.patch(configMap, tracking, 'merge', { data: { since: 'always' } })
  await env.advance(3_600_000)
  expect((await api.near.get(configMap, tracking)).data).toEqual({ since: '2025-01-03' })
  await api.near.remove(configMap, tracking)
  await env.advance(3_600_000)
  expect((await api.near.get(configMap, tracking)).data).toEqual({ since: '2025-01-03' })
})
