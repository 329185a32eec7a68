import { describe, expect, test } from 'vitest'
import type { CommitResult } from '../store.ts'
import { type Bench, lost, text, upTo, won } from './bench.ts'

export const commitContract = (fresh: () => Promise<Bench>): void => {
  describe('commit', () => {
    test('an empty store has revision 0 and the first commit makes it 1', async () => {
      const { store, put } = await fresh()
      expect(await store.revision()).toBe(0)
      expect(won(await put('a', 'one'))).toMatchObject({ revision: 1, created: 1 })
      expect(await store.revision()).toBe(1)
    })

    test('what was committed is read; an absent key is undefined', async () => {
      const { store, put } = await fresh()
      await put('a', 'one')
      const row = await store.read('a')
      expect(row).toMatchObject({ key: 'a', revision: 1, created: 1 })
      expect(text(row?.value)).toBe('one')
      expect(await store.read('b')).toBeUndefined()
      expect(await store.read('')).toBeUndefined()
    })

    test('absent: a second writer loses and is shown the winner', async () => {
      const { put } = await fresh()
      const first = won(await put('a', 'one', 'absent'))
      const second = lost(await put('a', 'two', 'absent'))
      expect(second.current).toMatchObject({ key: 'a', revision: first.revision, created: first.created })
      expect(text(second.current?.value)).toBe('one')
      expect(second.revision).toBe(first.revision)
    })

    test('a revision: only the last commit of the key will do', async () => {
      const { put } = await fresh()
      const first = won(await put('a', 'one'))
      await put('b', 'other')
      const second = won(await put('a', 'two', first.revision))
      expect(second).toMatchObject({ revision: 3, created: 1 })
      const stale = lost(await put('a', 'three', first.revision))
      expect(text(stale.current?.value)).toBe('two')
      expect(lost(await put('nothing', 'x', 1)).current).toBeUndefined()
    })

    test('any: the last writer wins and `created` stays', async () => {
      const { store, put } = await fresh()
      await put('a', 'one')
      expect(won(await put('a', 'two'))).toMatchObject({ revision: 2, created: 1 })
      expect(text((await store.read('a'))?.value)).toBe('two')
    })

    test('a loser changes nothing: no revision, no value', async () => {
      const { store, put } = await fresh()
      await put('a', 'one')
      await put('a', 'two', 'absent')
      expect(await store.revision()).toBe(1)
      expect(text((await store.read('a'))?.value)).toBe('one')
    })

    test('a deletion has a revision, keeps `created`, and leaves the key absent', async () => {
      const { store, put, remove } = await fresh()
      const first = won(await put('a', 'one'))
      expect(won(await remove('a', first.revision))).toMatchObject({ revision: 2, created: 1 })
      expect(await store.read('a')).toBeUndefined()
      expect((await store.range({ prefix: '' })).rows).toEqual([])
      expect(await store.revision()).toBe(2)
    })

    test('deleting with a stale revision loses; deleting what is absent loses whatever it expects', async () => {
      const { store, put, remove } = await fresh()
      await put('a', 'one')
      await put('a', 'two')
      expect(text(lost(await remove('a', 1)).current?.value)).toBe('two')
      for (const expected of ['any', 'absent', 1] as const) expect(lost(await remove('b', expected)).current).toBeUndefined()
      expect(lost(await remove('a', 'absent')).current).toMatchObject({ revision: 2 })
      expect(await store.revision()).toBe(2)
    })

    test('a key made again is new: another `created`, and its old revisions win nothing', async () => {
      const { put, remove } = await fresh()
      await put('a', 'one')
      await remove('a')
      expect(lost(await put('a', 'x', 1)).current).toBeUndefined()
      expect(won(await put('a', 'two', 'absent'))).toMatchObject({ revision: 3, created: 3 })
      expect(won(await put('a', 'three', 3))).toMatchObject({ revision: 4, created: 3 })
    })

    pendingContract(fresh)
    valuesContract(fresh)
  })
}

/** Writes that are sent before earlier ones are durable are compared with those. */
const pendingContract = (fresh: () => Promise<Bench>) => {
  test('of many writers at once that expect absence, one wins and all others see it', async () => {
    const { put } = await fresh()
    const results = await Promise.all(upTo(50).map((i) => put('a', `${i}`, 'absent')))
    const winners = results.filter(({ ok }) => ok)
    expect(winners.length).toBe(1)
    const { revision } = won(winners[0] as CommitResult)
    for (const result of results) if (!result.ok) expect(result.current).toMatchObject({ revision })
  })

  test('writes chained on pending ones win, in one sequence of revisions', async () => {
    const { store, put, remove } = await fresh()
    const results = await Promise.all([
      put('a', 'one', 'absent'),
      put('a', 'two', 1),
      put('b', 'one', 'absent'),
      remove('a', 2),
      put('a', 'three', 'absent'),
      put('a', 'four', 5),
    ])
    expect(results.map((result) => won(result).revision)).toEqual(upTo(6))
    expect(results.map((result) => won(result).created)).toEqual([1, 1, 3, 1, 5, 5])
    expect(text((await store.read('a'))?.value)).toBe('four')
  })

  test('a loser against a pending write sees it, not what was there before', async () => {
    const { put, remove } = await fresh()
    await put('a', 'one')
    const [, stale, , absent] = await Promise.all([put('a', 'two', 1), put('a', 'x', 1), remove('a', 2), put('a', 'y', 2)])
    expect(text(lost(stale).current?.value)).toBe('two')
    expect(lost(absent).current).toBeUndefined()
  })

  test('counting with compare-and-swap from many writers loses no count', async () => {
    const { store, put } = await fresh()
    await put('count', '0')
    const increment = async () => {
      for (;;) {
        const row = await store.read('count')
        if ((await put('count', `${Number(text(row?.value)) + 1}`, row?.revision)).ok) return
      }
    }
    await Promise.all(upTo(20).map(increment))
    expect(text((await store.read('count'))?.value)).toBe('20')
  })

  test('one counter: revisions of concurrent commits are all different and without gaps', async () => {
    const { store, put } = await fresh()
    const results = await Promise.all(upTo(300).map((i) => put(`k${i % 37}`, `${i}`)))
    expect(results.map((result) => won(result).revision).sort((a, b) => a - b)).toEqual(upTo(300))
    expect(await store.revision()).toBe(300)
  })
}

const valuesContract = (fresh: () => Promise<Bench>) => {
  test('values of every size come back as they were', async () => {
    const { store } = await fresh()
    for (const size of [0, 1, 4_095, 8_192, 100_000, 1_500_000, 4_000_000]) {
      const value = Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255)
      won(await store.commit({ key: `size/${size}`, expect: 'absent', value }))
      const found = (await store.read(`size/${size}`))?.value
      expect(found && Buffer.compare(found, value)).toBe(0)
    }
  })

  test('many big values at once', async () => {
    const { store } = await fresh()
    const value = new Uint8Array(400_000).fill(7)
    await Promise.all(upTo(20).map((i) => store.commit({ key: `big/${i}`, expect: 'absent', value })))
    const { rows } = await store.range({ prefix: 'big/' })
    expect(rows.map((row) => row.value.length)).toEqual(upTo(20).map(() => 400_000))
  })

  test('only the bytes of a view are stored', async () => {
    const { store } = await fresh()
    await store.commit({ key: 'a', expect: 'any', value: new TextEncoder().encode('xxvaluexx').subarray(2, 7) })
    expect(text((await store.read('a'))?.value)).toBe('value')
  })
}
