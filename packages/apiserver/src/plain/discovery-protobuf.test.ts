import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

// Controllers written with client-go ask for discovery as protobuf, and end where one document of it is missing.
test.each([
  ['/api', 'APIVersions'],
  ['/apis', 'APIGroupList'],
  ['/api/v1', 'APIResourceList'],
  ['/apis/apps', 'APIGroup'],
  ['/apis/apps/v1', 'APIResourceList'],
])('%s is there in protobuf', async (path, kind) => {
  const answer = await server.raw('GET', path, undefined, { accept: 'application/vnd.kubernetes.protobuf' })
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/vnd.kubernetes.protobuf'])
  expect(answer.text).toContain(kind)
})
