import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const base = '/api/v1/namespaces/default'
const send = (path: string, body: object) => server.raw('POST', `${base}/${path}`, JSON.stringify(body))
beforeAll(async () => {
  server = await startTestServer()
  await send('serviceaccounts', {
    metadata: { name: 'strict', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
    secrets: [{ name: 'mine' }],
    imagePullSecrets: [{ name: 'pull' }],
  })
})
afterAll(() => server?.close())

const container = (more: object = {}) => ({ name: 'c', image: 'i', ...more })
const variable = (name: string) => ({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name, key: 'k' } } }] })
const notMine = 'is not allowed because service account strict does not reference that secret'
const create = async (spec: object, metadata: object = {}) => {
  const { status, body } = await send('pods', { metadata: { name: 'p', ...metadata }, spec: { containers: [container()], ...spec } })
  return status === 201 ? 'created' : body.message.replace('pods "p" is forbidden: ', '')
}

test.each<[string, object, string]>([
  ['a volume', { volumes: [{ name: 'v', secret: { secretName: 'other' } }] }, `volume with secret.secretName="other" ${notMine}`],
  [
    'an init container',
    { initContainers: [container({ name: 'i', ...variable('other') })] },
    `init container i with envVar A referencing secret.secretName="other" ${notMine}`,
  ],
  [
    'a variable',
    { containers: [container(variable('other'))] },
    `container c with envVar A referencing secret.secretName="other" ${notMine}`,
  ],
  [
    'all variables',
    { containers: [container({ envFrom: [{ secretRef: { name: 'other' } }] })] },
    `container c with envFrom referencing secret.secretName="other" ${notMine}`,
  ],
  [
    'a pull secret',
    { imagePullSecrets: [{ name: 'other' }] },
    'imagePullSecrets[0].name="other" is not allowed because service account strict does not reference that imagePullSecret',
  ],
  ['what the account names', { containers: [container(variable('mine'))], imagePullSecrets: [{ name: 'pull' }] }, 'created'],
])('of a strict account, %s', async (_what, spec, answer) => {
  expect(await create({ serviceAccountName: 'strict', ...spec })).toBe(answer)
})

test('containers that come later are held to the same', async () => {
  const type = { 'content-type': 'application/strategic-merge-patch+json' }
  const patch = { spec: { ephemeralContainers: [{ name: 'e', image: 'i', ...variable('other') }] } }
  const { body } = await server.raw('PATCH', `${base}/pods/p/ephemeralcontainers`, JSON.stringify(patch), type)
  expect(body.message).toBe(`pods "p" is forbidden: ephemeral container e with envVar A referencing secret.secretName="other" ${notMine}`)
})

test.each<[string, object, string]>([
  ['accounts', { serviceAccountName: 'strict' }, 'a mirror pod may not reference service accounts'],
  ['secrets', { volumes: [{ name: 'v', secret: { secretName: 'mine' } }] }, 'a mirror pod may not reference secrets'],
  [
    'tokens',
    { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
    'a mirror pod may not use ServiceAccountToken volume projections',
  ],
])('a mirror pod names no %s', async (_what, spec, answer) => {
  expect(await create({ nodeName: 'n', ...spec }, { annotations: { 'kubernetes.io/config.mirror': 'x' } })).toBe(answer)
})
