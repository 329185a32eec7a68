import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { hear } from '../contract/bench.ts'
import { Compacted } from '../store.ts'
import { openDatabase } from './database.ts'
import { openDurableStore } from './durable.ts'
import { historyWindow } from './window.ts'

test('keys that change all the time do not grow the file, and the last changes are held', { timeout: 60_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-window-'))
  const open = () => openDurableStore({ dir, env: systemEnv(), historyLimit: 500 })
  let store = await open()
  const value = new Uint8Array(1_000)
  for (let round = 0; round < 300; round += 1)
    await Promise.all(Array.from({ length: 100 }, (_, i) => store.commit({ key: `lease/${i % 50}`, expect: 'any', value })))
  await expect(hear(store, '', 25_000)).rejects.toBeInstanceOf(Compacted)
  expect((await hear(store, '', 29_500)).changes.length).toBe(500)
  await store.close()
  // 30 MB were written.
  expect((await stat(join(dir, 'store.db'))).size).toBeLessThan(10_000_000)
  store = await open()
  const { changes } = await hear(store, '', 29_500)
  expect(changes.length).toBe(500)
  expect(changes.every(({ previous }) => previous?.value.length === 1_000)).toBe(true)
  await store.close()
  await rm(dir, { recursive: true })
})

test('big values shorten the history', () => {
  const db = openDatabase(':memory:')
  const window = historyWindow(db, 10_000)
  const commit = (revision: number, bytes: number) => {
    window.note(revision, bytes)
    window.sweep(revision)
    window.settle()
  }
  commit(1, 40_000_000)
  expect(window.floor()).toBe(0)
  commit(300, 20_000_000)
  expect(window.floor()).toBe(0)
  commit(600, 10_000_000)
  expect(window.floor()).toBe(1)
  window.note(900, 60_000_000)
  window.sweep(900)
  expect(window.floor()).toBe(600)
  window.revert()
  expect(window.floor()).toBe(1)
  db.close()
})
