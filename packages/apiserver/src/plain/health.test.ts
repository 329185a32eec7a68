import { openMemoryStore } from '@skiff/store'
import { expect, test } from 'vitest'
import { startTestServer } from '../testing/start.ts'

test('a server whose store has ended is neither healthy nor ready, and says which check failed', async () => {
  const store = openMemoryStore()
  const server = await startTestServer({ store })
  expect((await server.raw('GET', '/readyz')).text).toBe('ok')
  expect((await server.raw('GET', '/readyz/etcd')).text).toBe('ok')
  await store.close()
  expect(await server.raw('GET', '/readyz')).toMatchObject({
    status: 500,
    text: '[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n',
  })
  expect((await server.raw('GET', '/readyz?exclude=etcd')).text).toBe('ok')
  await server.close()
})
