import { describe, expect, test } from 'vitest'
import { Compacted, StoreUnusable } from '../store.ts'
import { type Bench, hear, lost, revisions, text, upTo, won } from './bench.ts'

export const lifeContract = (fresh: () => Promise<Bench>): void => {
  describe('close', () => {
    test('everything is refused afterwards, and closing twice is no harm', async () => {
      const { store, put } = await fresh()
      await put('a', 'one')
      await Promise.all([store.close(), store.close()])
      await store.close()
      const calls = [
        () => store.read('a'),
        () => store.range({ prefix: '' }),
        () => put('a', 'two'),
        () => store.revision(),
        () => hear(store, '', 0),
        () => store.compact(1),
        () => store.snapshot('/nowhere'),
      ]
      for (const call of calls) await expect(call()).rejects.toBeInstanceOf(StoreUnusable)
    })

    test('watches end, and are told once', async () => {
      const { store, watch } = await fresh()
      const { ended } = await watch('', 0)
      await store.close()
      expect(ended.length).toBe(1)
      expect(ended[0]).toBeInstanceOf(StoreUnusable)
    })

    test('writes under way are finished first, and heard of', async () => {
      const { store, put, watch } = await fresh()
      const { changes } = await watch('', 0)
      const writes = upTo(40).map((i) => put(`k${i}`, `${i}`))
      await store.close()
      expect((await Promise.all(writes)).map((result) => won(result).revision)).toEqual(upTo(40))
      expect(revisions(changes)).toEqual(upTo(40))
    })
  })

  describe('opened again', () => {
    /** Runs `check` on the same data opened again, where the data outlives the store. */
    const again = async ({ store, reopen }: Bench, check: (next: Bench['store']) => Promise<void>) => {
      if (!reopen) return store.close()
      const next = await reopen()
      try {
        await check(next)
      } finally {
        await next.close()
      }
    }

    test('rows, revisions and history are as they were', async () => {
      const bench = await fresh()
      for (let i = 1; i <= 30; i += 1) await bench.put(`k${i % 7}`, `${i}`)
      await bench.remove('k0')
      const before = await bench.store.range({ prefix: '' })
      await again(bench, async (store) => {
        expect(await store.revision()).toBe(31)
        const after = await store.range({ prefix: '' })
        expect(after.rows.map((row) => ({ ...row, value: text(row.value) }))).toEqual(
          before.rows.map((row) => ({ ...row, value: text(row.value) })),
        )
        const { changes } = await hear(store, '', 20)
        expect(revisions(changes)).toEqual(upTo(31, 21))
        expect(changes.at(-1)?.value).toBeNull()
        expect(text(changes.at(-1)?.previous?.value)).toBe('28')
      })
    })

    test('compare-and-swap goes on where it was', async () => {
      const bench = await fresh()
      await bench.put('a', 'one')
      await bench.put('b', 'one')
      await bench.remove('b')
      await bench.store.compact(4)
      await again(bench, async (store) => {
        const value = new TextEncoder().encode('two')
        expect(lost(await store.commit({ key: 'a', expect: 'absent', value })).current).toMatchObject({ revision: 1 })
        expect(won(await store.commit({ key: 'b', expect: 'absent', value }))).toMatchObject({ revision: 4, created: 4 })
        expect(won(await store.commit({ key: 'a', expect: 1, value }))).toMatchObject({ revision: 5, created: 1 })
        await expect(hear(store, '', 2)).rejects.toBeInstanceOf(Compacted)
        expect(revisions((await hear(store, '', 3)).changes)).toEqual([4, 5])
      })
    })
  })
}
