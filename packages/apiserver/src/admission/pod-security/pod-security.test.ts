import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start.ts'

let api: TestServer
beforeAll(async () => {
  api = await startTestServer()
  for (const [name, labels] of [
    ['free', {}],
    ['base', { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/warn': 'restricted' }],
    ['strict', { 'pod-security.kubernetes.io/enforce': 'restricted', 'pod-security.kubernetes.io/enforce-version': 'v1.30' }],
  ] as const) {
    await send('POST', '/api/v1/namespaces', { metadata: { name, labels } })
    await send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } })
  }
})
afterAll(() => api?.close())

const send = (method: string, path: string, body: object, type = 'application/json') =>
  api.raw(method, path, JSON.stringify(body), { 'content-type': type })
const container = { name: 'a', image: 'i' }
const pod = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { containers: [container], ...spec } })
const create = (namespace: string, body: object) => send('POST', `/api/v1/namespaces/${namespace}/pods`, body)
const label = (namespace: string, labels: object) =>
  send('PATCH', `/api/v1/namespaces/${namespace}`, { metadata: { labels } }, 'application/merge-patch+json')

const bare =
  'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
  'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
  'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
  'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'

test('pods that violate what their namespace enforces are refused', async () => {
  const refused = await create('base', pod('host', { hostNetwork: true }))
  expect(refused).toMatchObject({
    status: 403,
    body: {
      reason: 'Forbidden',
      message: 'pods "host" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      details: { name: 'host', kind: 'pods' },
    },
  })
  expect((await create('strict', pod('plain'))).body.message).toBe(
    `pods "plain" is forbidden: violates PodSecurity "restricted:v1.30": ${bare}`,
  )
  expect((await create('free', pod('host', { hostNetwork: true }))).status).toBe(201)
})

test('pods and what makes pods are warned of', async () => {
  const warned = await create('base', pod('plain'))
  expect(warned.status).toBe(201)
  expect(warned.headers.warning).toBe(`299 - "would violate PodSecurity \\"restricted:latest\\": ${bare.replaceAll('"', '\\"')}"`)
  const selector = { matchLabels: { a: 'b' } }
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } }
  const deployment = (namespace: string) =>
    send('POST', `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`, { metadata: { name: 'd' }, spec: { selector, template } })
  expect((await deployment('strict')).headers.warning).toContain('would violate PodSecurity \\"restricted:v1.30\\"')
  expect((await deployment('free')).headers.warning).toBeUndefined()
  const job = {
    metadata: { name: 'c' },
    spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } } },
  }
  const cron = await send('POST', '/apis/batch/v1/namespaces/strict/cronjobs?dryRun=All', job)
  expect([cron.status, cron.headers.warning?.includes('would violate PodSecurity')]).toEqual([201, true])
})

test('updates are judged where they change what is looked at, and new ephemeral containers', async () => {
  await create('free', pod('old', { hostNetwork: true }))
  await label('free', { 'pod-security.kubernetes.io/enforce': 'baseline' })
  const merge = 'application/merge-patch+json'
  const path = '/api/v1/namespaces/free/pods/old'
  expect((await send('PATCH', path, { metadata: { labels: { x: 'y' } } }, merge)).status).toBe(200)
  const image = await send(
    'PATCH',
    path,
    { spec: { containers: [{ ...container, image: 'j' }] } },
    'application/strategic-merge-patch+json',
  )
  expect(image.body.message).toMatch(/^pods "old" is forbidden: violates PodSecurity "baseline:latest": host namespaces/)
  await create('base', pod('debugged'))
  const debug = { spec: { ephemeralContainers: [{ name: 'e', image: 'i', securityContext: { privileged: true } }] } }
  const added = await send(
    'PATCH',
    '/api/v1/namespaces/base/pods/debugged/ephemeralcontainers',
    debug,
    'application/strategic-merge-patch+json',
  )
  expect(added.body.message).toMatch(/violates PodSecurity "baseline:latest": privileged \(container "e" must not/)
  await label('free', { 'pod-security.kubernetes.io/enforce': null })
})

test('labels are judged when they are written, with the pods that are there', async () => {
  const wrong = await send('POST', '/api/v1/namespaces', {
    metadata: { name: 'x', labels: { 'pod-security.kubernetes.io/enforce': 'tight' } },
  })
  expect(wrong).toMatchObject({
    status: 422,
    body: {
      message:
        'Namespace "x" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "tight": must be one of privileged, baseline, restricted',
    },
  })
  await create('free', pod('b', { hostPID: true }))
  await create('free', pod('a', { hostPID: true }))
  await create('free', pod('fine'))
  const answer = await label('free', { 'pod-security.kubernetes.io/enforce': 'baseline' })
  expect(answer.status).toBe(200)
  expect(answer.headers.warning).toContain(
    'existing pods in namespace \\"free\\" violate the new PodSecurity enforce level \\"baseline:latest\\"',
  )
  expect(answer.headers.warning).toMatch(/299 - "(a \(and \d other pods?\)|a|host \(and 1 other pod\)): host namespaces"/)
  expect((await label('free', { 'pod-security.kubernetes.io/enforce': 'privileged' })).headers.warning).toBeUndefined()
})
