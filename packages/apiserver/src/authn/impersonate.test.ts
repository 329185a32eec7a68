import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.close())

const path = '/api/v1/namespaces'
const get = (headers: Record<string, string>) => server.raw('GET', path, undefined, headers)

test.each([
  [{ 'impersonate-group': 'a<b' }, '{Group  a&lt;b    }'],
  [{ 'impersonate-uid': 'a' }, '{UID  a  authentication.k8s.io/v1  }'],
  [{ 'impersonate-extra-foo': 'a' }, '{UserExtra  a  authentication.k8s.io/v1  foo}'],
])('%j without a user fails in plain words', async (headers, asked) => {
  const { status, text, headers: answered } = await get(headers)
  expect([status, answered['content-type']]).toEqual([500, 'text/plain; charset=utf-8'])
  expect(text).toBe(`Internal Server Error: "${path}": requested [${asked}] without impersonating a user\n`)
})

const groupsOf = async (headers: Record<string, string>) => {
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' })
  const grants = { 'impersonate-user': 'bob', ...headers }
  const answer = await server.raw('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body, grants)
  return answer.body.status?.userInfo.groups ?? answer.status
}
test('who is impersonated is known unless asked for otherwise', async () => {
  expect(await groupsOf({ 'impersonate-group': 'system:masters' })).toEqual(['system:masters', 'system:authenticated'])
  const unknown = { 'impersonate-group': 'system:masters, system:unauthenticated' }
  expect(await groupsOf(unknown)).toEqual(['system:masters', 'system:unauthenticated'])
})

test('a token behind two blanks is none', async () => {
  expect((await get({ authorization: 'Bearer  x' })).status).toBe(403)
  expect((await get({ authorization: 'Bearer x' })).status).toBe(401)
})

test('reviews have no paths of their own', async () => {
  expect((await server.raw('GET', '/apis/authentication.k8s.io/v1/tokenreviews/x')).status).toBe(404)
  expect((await server.raw('GET', '/apis/authentication.k8s.io/v1/tokenreviews')).status).toBe(405)
})
