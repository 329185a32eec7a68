import { openMemoryStore } from '@skiff/store'
import { expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'

test('the components of the control plane are told with their health', async () => {
  const store = openMemoryStore()
  let broken = false
  const read: typeof store.read = (key) => (broken ? Promise.reject(new Error('the disk is gone')) : store.read(key))
  const api = await startTestServer({ store: { ...store, read } })
  const healthy = (name: string) => ({
    metadata: { name, creationTimestamp: null },
    conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
  })
  api.server.components.set('scheduler', () => undefined)
  const list = await api.raw('GET', '/api/v1/componentstatuses')
  expect(list.headers.warning).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"')
  const refused = 'Get "https://127.0.0.1:10257/healthz": dial tcp 127.0.0.1:10257: connect: connection refused'
  expect(list.body).toEqual({
    kind: 'ComponentStatusList',
    apiVersion: 'v1',
    metadata: {},
    items: [
      healthy('scheduler'),
      { ...healthy('controller-manager'), conditions: [{ type: 'Healthy', status: 'False', message: refused }] },
      healthy('etcd-0'),
    ],
  })
  api.server.components.set('controller-manager', () => 'no leader')
  const one = await api.raw('GET', '/api/v1/componentstatuses/controller-manager')
  expect(one.body).toMatchObject({ kind: 'ComponentStatus', conditions: [{ status: 'False', message: 'no leader' }] })
  broken = true
  const etcd = await api.raw('GET', '/api/v1/componentstatuses/etcd-0')
  expect(etcd.body.conditions).toEqual([{ type: 'Healthy', status: 'False', error: 'the disk is gone' }])
  broken = false
  const absent = await api.raw('GET', '/api/v1/componentstatuses/none')
  expect([absent.status, absent.body.message]).toEqual([404, 'componentstatus "none" not found'])
  const selected = await api.raw('GET', '/api/v1/componentstatuses?fieldSelector=metadata.name%3Detcd-0')
  expect(selected.body.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(['etcd-0'])
  const table = await api.raw('GET', '/api/v1/componentstatuses', undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  expect(table.body.rows[0].cells).toEqual(['scheduler', 'Healthy', 'ok', ''])
  expect((await api.raw('POST', '/api/v1/componentstatuses', '{}')).status).toBe(405)
  await api.close()
  await store.close()
})
