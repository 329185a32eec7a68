import { secret as secrets, selfSubjectReview } from '@skiff/api'
import { rfc3339, systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusal, startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer({ more: { bootstrapTokens: true } })
}, 20_000)
afterAll(async () => api?.close())

const key = '0123456789abcdef'
const add = (id: string, more: Readonly<Record<string, string>> = {}) => {
  const data = { 'token-id': id, 'token-secret': key, 'usage-bootstrap-authentication': 'true', ...more }
  return api.near.create(secrets, {
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    stringData: data,
  } as never)
}
const whoIs = async (token: string) => {
  const review = await api.far({ token }).create(selfSubjectReview, { metadata: {} } as never)
  return (review as unknown as { status: { userInfo: { username: string; groups: string[] } } }).status.userInfo
}

test('a token of a machine that is to join', async () => {
  await add('aaaaaa', { 'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token' })
  expect(await whoIs(`aaaaaa.${key}`)).toEqual({
    username: 'system:bootstrap:aaaaaa',
    groups: ['system:bootstrappers', 'system:bootstrappers:kubeadm:default-node-token', 'system:authenticated'],
  })
})

test.each<[string, string, Readonly<Record<string, string>>]>([
  ['of another secret', 'bbbbbb', { 'token-secret': 'fedcba9876543210' }],
  ['whose time is over', 'cccccc', { expiration: rfc3339(systemEnv().now() - 1_000) }],
  ['for signing alone', 'dddddd', { 'usage-bootstrap-authentication': 'false' }],
  ['with a group that is none of theirs', 'eeeeee', { 'auth-extra-groups': 'system:masters' }],
])('one %s is refused', async (_what, id, more) => {
  await add(id, more)
  expect(await refusal(whoIs(`${id}.${key}`))).toBe('401 Unauthorized')
})
