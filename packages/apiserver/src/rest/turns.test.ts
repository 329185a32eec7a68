import { expect, test } from 'vitest'
import { administrator, startTestServer } from '../testing/start.ts'

/** How often the event loop came round while something was done. */
const roundsDuring = async (act: () => Promise<unknown>): Promise<number> => {
  let rounds = 0
  let done = false
  const count = () => {
    if (done) return
    rounds++
    setImmediate(count)
  }
  setImmediate(count)
  await act()
  done = true
  return rounds
}

test('others have their turn between the steps of a write that is long', async () => {
  const api = await startTestServer()
  const send = (verb: 'create' | 'patch', name: string, object: object, contentType: string) =>
    api.server.handler({
      verb,
      group: '',
      version: 'v1',
      resource: 'configmaps',
      namespace: 'default',
      ...(verb === 'patch' ? { name } : {}),
      query: verb === 'patch' ? { fieldManager: 'test' } : {},
      identity: administrator,
      body: { bytes: Buffer.from(JSON.stringify(object)), contentType },
    } as never)
  const configMap = (name: string, keys: number) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    data: Object.fromEntries(Array.from({ length: keys }, (_, index) => [`key-${index}`, 'a value'])),
  })
  const create = (name: string, keys: number) => roundsDuring(() => send('create', name, configMap(name, keys), 'application/json'))
  const merge = (name: string) => roundsDuring(() => send('patch', name, { data: { more: '1' } }, 'application/merge-patch+json'))
  const apply = (name: string, keys: number) =>
    roundsDuring(() => send('patch', name, configMap(name, keys), 'application/apply-patch+yaml'))
  const short = [await create('short', 10), await merge('short'), await apply('applied-short', 10)]
  const long = [await create('long', 8000), await merge('long'), await apply('applied-long', 8000)]
  // The store's own rounds come on top of both.
  expect(long[0]).toBeGreaterThanOrEqual((short[0] as number) + 3)
  expect(long[1]).toBeGreaterThanOrEqual((short[1] as number) + 3)
  expect(long[2]).toBeGreaterThanOrEqual((short[2] as number) + 4)
  await api.close()
})

test('what is repeated, unknown or wrong a hundred thousand times is refused as it is once', async () => {
  const api = await startTestServer()
  const post = (path: string, query: string, body: object) =>
    api.raw('POST', `${path}?dryRun=All&${query}`, JSON.stringify(body), { 'content-type': 'application/json' })
  const many = Array.from({ length: 100_000 }, (_, index) => index)
  const named = (prefix: string) => Object.fromEntries(many.map((index) => [`${prefix}${index}`, 'v']))
  const unknown = await post('/api/v1/namespaces/default/configmaps', '', { metadata: { name: 'a' }, ...named('k') })
  const labels = await post('/api/v1/namespaces/default/configmaps', '', { metadata: { name: 'a', labels: named('-') } })
  const values = [...many, ...many].map((each) => each + 1)
  const rules = [{ action: 'Ignore', onExitCodes: { operator: 'In', values } }]
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
  const job = await post('/apis/batch/v1/namespaces/default/jobs', '', {
    metadata: { name: 'j' },
    spec: { podFailurePolicy: { rules }, template },
  })
  await api.close()
  expect([unknown.status, labels.status, job.status]).toEqual([201, 422, 422])
  expect(labels.body.details.causes.length).toBe(100_000)
  expect(job.text).toContain('spec.podFailurePolicy.rules[0].onExitCodes.values[199999]: Duplicate value: 100000')
})
