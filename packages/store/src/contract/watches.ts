import { describe, expect, test } from 'vitest'
import { type Change, Compacted, type Revision } from '../store.ts'
import { type Bench, bytes, type Heard, hear, revisions, text, upTo, won } from './bench.ts'

export const watchContract = (fresh: () => Promise<Bench>): void => {
  describe('watch', () => {
    test('changes come in order, each once, with what they replaced', async () => {
      const { put, remove, watch } = await fresh()
      const { changes } = await watch('', 0)
      await put('a', 'one')
      await put('a', 'two')
      await remove('a')
      await put('a', 'three')
      expect(
        changes.map(({ key, revision, created, value, previous }) => [key, revision, created, text(value), previous?.revision]),
      ).toEqual([
        ['a', 1, 1, 'one', undefined],
        ['a', 2, 1, 'two', 1],
        ['a', 3, 1, undefined, 2],
        ['a', 4, 4, 'three', undefined],
      ])
      expect(changes[2]?.value).toBeNull()
      expect(text(changes[1]?.previous?.value)).toBe('one')
      expect(changes[2]?.previous).toMatchObject({ key: 'a', revision: 2, created: 1 })
    })

    test('a chain that is committed at once has its own previous rows', async () => {
      const { put, remove, watch } = await fresh()
      await put('a', 'zero')
      const { changes } = await watch('', 1)
      await Promise.all([put('a', 'one'), put('a', 'two'), remove('a'), put('a', 'three'), put('a', 'four')])
      expect(changes.map(({ previous }) => text(previous?.value))).toEqual(['zero', 'one', 'two', undefined, 'three'])
    })

    test('a watcher that needs no previous rows gets everything else, and takes them from nobody', async () => {
      const { store, put, remove, watch } = await fresh()
      const lean: Change[] = []
      await store.watch({ prefix: '', after: 0, withoutPrevious: true, deliver: (batch) => lean.push(...batch), ended: () => undefined })
      await put('a', 'one')
      await put('a', 'two')
      const { changes } = await watch('', 2)
      await put('a', 'three')
      await remove('a')
      expect(lean.map(({ key, revision, value }) => [key, revision, text(value)])).toEqual([
        ['a', 1, 'one'],
        ['a', 2, 'two'],
        ['a', 3, 'three'],
        ['a', 4, undefined],
      ])
      expect(changes.map(({ previous }) => text(previous?.value))).toEqual(['two', 'three'])
    })

    test('only keys under the prefix', async () => {
      const { put, watch } = await fresh()
      const { changes } = await watch('/a/', 0)
      await Promise.all(['/a/1', '/b/1', '/a', '/a/2', '/ab'].map((key) => put(key, key)))
      expect(changes.map(({ key }) => key).sort()).toEqual(['/a/1', '/a/2'])
    })

    test('a watch from the past begins with what it missed', async () => {
      const { put, remove, watch } = await fresh()
      await put('a', 'one')
      await put('b', 'one')
      await put('a', 'two')
      await remove('b')
      const all = await watch('', 0)
      const later = await watch('', 2)
      const narrow = await watch('b', 0)
      await put('b', 'three')
      expect(revisions(all.changes)).toEqual([1, 2, 3, 4, 5])
      expect(revisions(later.changes)).toEqual([3, 4, 5])
      expect(revisions(narrow.changes)).toEqual([2, 4, 5])
      expect(all.changes.map(({ previous }) => previous?.revision)).toEqual([undefined, undefined, 1, 2, undefined])
      expect(text(later.changes[0]?.previous?.value)).toBe('one')
      expect(all.changes.map(({ created }) => created)).toEqual([1, 2, 1, 2, 5])
    })

    test('a watch from the future stays silent until then', async () => {
      const { put, watch } = await fresh()
      const { changes } = await watch('', 2)
      for (const value of ['1', '2', '3', '4']) await put('a', value)
      expect(revisions(changes)).toEqual([3, 4])
    })

    test('a stopped watch hears nothing more, and stopping twice is no harm', async () => {
      const { put, watch } = await fresh()
      const { changes, stop, ended } = await watch('', 0)
      await put('a', 'one')
      stop()
      stop()
      await put('a', 'two')
      expect(revisions(changes)).toEqual([1])
      expect(ended).toEqual([])
    })

    test('watchers hear of a commit before its writer does, when it can be read already', async () => {
      const { store, put, watch } = await fresh()
      const order: string[] = []
      let seen: Promise<Revision> | undefined
      await watch('', 0, () => {
        order.push('watcher')
        seen = store.revision()
      })
      await put('a', 'one').then(() => order.push('writer'))
      expect(order).toEqual(['watcher', 'writer'])
      expect(await seen).toBe(1)
    })

    test('what a writer hands along reaches live watchers as it is', async () => {
      const { store, watch } = await fresh()
      const { changes } = await watch('', 0)
      const carried = { decoded: true }
      await store.commit({ key: 'a', expect: 'any', value: bytes('{}'), carried })
      expect(changes[0]?.carried).toBe(carried)
      const late = await watch('', 0)
      expect(late.changes[0]?.carried).toBeUndefined()
    })

    concurrencyContract(fresh)
    compactionContract(fresh)
  })
}

const concurrencyContract = (fresh: () => Promise<Bench>) => {
  test('watches that start at any revision under load lose nothing and double nothing', async () => {
    const { store, put, remove } = await fresh()
    const total = 1_500
    const watches: { after: Revision; heard: Heard }[] = []
    const writer = async (first: number) => {
      for (let i = first; i <= total; i += 10) {
        if (i % 9 === 0) await remove(`k${i % 10}`)
        await put(`k${i % 10}`, `${i}`)
      }
    }
    const watcher = async () => {
      for (let i = 0; i < 40; i += 1) {
        const after = Math.floor(((await store.revision()) * (i % 4)) / 3)
        watches.push({ after, heard: await hear(store, '', after) })
      }
    }
    await Promise.all([...upTo(10).map(writer), watcher()])
    await put('last', 'x')
    const last = await store.revision()
    for (const { after, heard } of watches) expect(revisions(heard.changes)).toEqual(upTo(last, after + 1))
  })

  test('a range and a watch from its revision together give the truth', async () => {
    const { store, put, remove } = await fresh()
    const writers = upTo(8).map(async (w) => {
      for (let i = 0; i < 60; i += 1) await (i % 3 === 2 ? remove(`k${(w * i) % 20}`) : put(`k${(w * i) % 20}`, `${w}-${i}`))
    })
    const views = await Promise.all(
      upTo(10).map(async () => {
        const { rows, revision } = await store.range({ prefix: '' })
        const view = new Map(rows.map((row) => [row.key, text(row.value)]))
        await hear(store, '', revision, (changes) => {
          for (const { key, value } of changes) value === null ? view.delete(key) : view.set(key, text(value))
        })
        return view
      }),
    )
    await Promise.all(writers)
    const truth = (await store.range({ prefix: '' })).rows.map((row) => [row.key, text(row.value)])
    for (const view of views) expect([...view].sort()).toEqual([...truth].sort())
  })

  test('a watcher that commits from its delivery is heard by all, in order', async () => {
    const { put, watch } = await fresh()
    const followed: Promise<unknown>[] = []
    const first = await watch('', 0, (changes) => {
      for (const { key, revision } of changes) if (key === 'a' && revision < 10) followed.push(put('a', `${revision}`))
    })
    const second = await watch('', 0)
    await put('a', 'start')
    for (let done = 0; done < followed.length; done += 1) await followed[done]
    expect(revisions(first.changes)).toEqual(upTo(10))
    expect(revisions(second.changes)).toEqual(upTo(10))
  })

  test('a watcher that throws ends itself alone', async () => {
    const { put, watch } = await fresh()
    const faulty = await watch('', 0, () => {
      throw new Error('oops')
    })
    const sound = await watch('', 0)
    won(await put('a', 'one'))
    won(await put('a', 'two'))
    expect(faulty.ended.map(({ message }) => message)).toEqual(['oops'])
    expect(revisions(faulty.changes)).toEqual([1])
    expect(revisions(sound.changes)).toEqual([1, 2])
  })
}

const compactionContract = (fresh: () => Promise<Bench>) => {
  test('compacted history is refused with the oldest revision that is left; rows stay', async () => {
    const { store, put, remove, watch, keys } = await fresh()
    for (const key of ['a', 'b', 'a', 'c', 'a']) await put(key, key)
    await remove('c')
    await store.compact(4)
    const refused = await watch('', 2).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Compacted)
    expect((refused as Compacted).oldest).toBe(4)
    const { changes } = await watch('', 3)
    expect(revisions(changes)).toEqual([4, 5, 6])
    expect(text(changes[1]?.previous?.value)).toBe('a')
    expect(await keys({ prefix: '' })).toEqual(['a', 'b'])
    expect(await store.read('b')).toMatchObject({ revision: 2 })
  })

  test('compacting backwards or beyond the newest revision is no harm', async () => {
    const { store, put, watch } = await fresh()
    await put('a', 'one')
    await put('a', 'two')
    await store.compact(100)
    await store.compact(1)
    await expect(watch('', 1)).rejects.toBeInstanceOf(Compacted)
    const { changes } = await watch('', 2)
    won(await put('a', 'three', 2))
    expect(revisions(changes)).toEqual([3])
    expect(text(changes[0]?.previous?.value)).toBe('two')
  })
}
