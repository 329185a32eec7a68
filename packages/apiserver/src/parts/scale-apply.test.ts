import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'x' }] } }
  const set = { metadata: { name: 's' }, spec: { replicas: 1, selector: { matchLabels: { a: 'b' } }, template } }
  await api.raw('POST', `${sets}?fieldManager=maker`, JSON.stringify(set), { 'content-type': 'application/json' })
})
afterAll(() => api?.close())

const sets = '/apis/apps/v1/namespaces/default/replicasets'
const apply = (name: string, manager: string, replicas: number | undefined, query = '') => {
  const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name }, spec: replicas === undefined ? {} : { replicas } }
  const type = { 'content-type': 'application/apply-patch+yaml' }
  return api.raw('PATCH', `${sets}/${name}/scale?fieldManager=${manager}${query}`, JSON.stringify(body), type)
}

test('who applies a scale holds the replicas under its name, and others conflict', async () => {
  expect((await apply('s', 'a', 3)).body).toMatchObject({
    code: 409,
    message: 'Apply failed with 1 conflict: conflict with "maker" using apps/v1: .spec.replicas',
  })
  const forced = await apply('s', 'a', 3, '&force=true')
  expect(forced).toMatchObject({ status: 200, body: { kind: 'Scale', spec: { replicas: 3 } } })
  const { body } = await api.raw('GET', `${sets}/s`)
  expect(body.spec.replicas).toBe(3)
  expect(body.metadata.managedFields.find((each: { manager: string }) => each.manager === 'a')).toMatchObject({
    operation: 'Apply',
    apiVersion: 'apps/v1',
    subresource: 'scale',
    fieldsV1: { 'f:spec': { 'f:replicas': {} } },
  })
  expect((await apply('s', 'b', 5)).body.message).toBe(
    'Apply failed with 1 conflict: conflict with "a" with subresource "scale": .spec.replicas',
  )
  expect((await apply('s', 'b', 3)).status).toBe(200)
})

test('what cannot be applied is refused', async () => {
  expect((await apply('absent', 'a', 3)).body).toMatchObject({ code: 404, message: 'replicasets.apps "absent" not found' })
  expect((await apply('s', '', 3)).body).toMatchObject({ code: 422 })
  expect((await apply('s', 'a', -1, '&force=true')).body).toMatchObject({ code: 422, reason: 'Invalid' })
})
