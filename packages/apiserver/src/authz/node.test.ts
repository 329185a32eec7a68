import { namespace, pod, secret, serviceAccount } from '@skiff/api'
import { expect, test } from 'vitest'
import { refusal, startTestServer } from '../testing/start.ts'

test('a node reads the secrets of its own pods, from when they are bound to it until they are gone', async () => {
  const api = await startTestServer()
  const read = (node: string, name: string) =>
    refusal(
      api.server
        .client({ name: `system:node:${node}`, groups: ['system:nodes', 'system:authenticated'] })
        .get(secret, { namespace: 'n', name }),
    )
  await api.near.create(namespace, { metadata: { name: 'n' } } as never)
  await api.near.create(serviceAccount, { metadata: { name: 'default', namespace: 'n' } } as never)
  for (const name of ['mine', 'other']) await api.near.create(secret, { metadata: { name, namespace: 'n' } } as never)
  await api.near.create(pod, {
    metadata: { name: 'p', namespace: 'n' },
    spec: { containers: [{ name: 'a', image: 'a' }], volumes: [{ name: 'v', secret: { secretName: 'mine' } }] },
  } as never)
  expect(await read('one', 'mine')).toBe('403 Forbidden')
  await api.near.create(pod, { metadata: { name: 'p' }, target: { kind: 'Node', name: 'one' } } as never, {
    namespace: 'n',
    name: 'p',
    subresource: 'binding',
  })
  expect(await read('one', 'mine')).toBe('accepted')
  expect(await read('one', 'other')).toBe('403 Forbidden')
  expect(await read('two', 'mine')).toBe('403 Forbidden')
  await api.near.remove(pod, { namespace: 'n', name: 'p' }, { gracePeriodSeconds: 0 })
  expect(await read('one', 'mine')).toBe('403 Forbidden')
  await api.close()
})
