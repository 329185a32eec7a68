import { expect, test } from 'vitest'
import { storeContract } from '../contract.ts'
import { Compacted } from '../store.ts'
import { openMemoryStore } from './memory.ts'

storeContract('the store in memory', async () => ({ store: openMemoryStore() }))

test('the history in memory is bounded', async () => {
  const store = openMemoryStore({ historyLimit: 10 })
  const watch = (after: number) => store.watch({ prefix: '', after, deliver: () => undefined, ended: () => undefined })
  for (let i = 0; i < 100; i += 1) await store.commit({ key: 'a', expect: 'any', value: new Uint8Array(1) })
  await expect(watch(70)).rejects.toBeInstanceOf(Compacted)
  await expect(watch(90)).resolves.toBeTypeOf('function')
})
