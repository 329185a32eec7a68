import { describe, expect, test } from 'vitest'
import type { Range } from '../store.ts'
import { type Bench, text, upTo } from './bench.ts'

export const rangeContract = (fresh: () => Promise<Bench>): void => {
  describe('range', () => {
    test('rows under a prefix, in order, with the revision at which they are the truth', async () => {
      const { store, put, keys } = await fresh()
      for (const key of ['/b/2', '/a/1', '/b/1', '/b', '/c/1', '/b/10', '/b0']) await put(key, key)
      expect(await keys({ prefix: '/b/' })).toEqual(['/b/1', '/b/10', '/b/2'])
      expect(await keys({ prefix: '' })).toEqual(['/a/1', '/b', '/b/1', '/b/10', '/b/2', '/b0', '/c/1'])
      expect(await keys({ prefix: '/d' })).toEqual([])
      const { rows, revision, more } = await store.range({ prefix: '/a' })
      expect({ revision, more }).toEqual({ revision: 7, more: false })
      expect(rows[0]).toMatchObject({ key: '/a/1', revision: 2, created: 2 })
      expect(text(rows[0]?.value)).toBe('/a/1')
    })

    test('keys are in the order of their bytes, whatever they hold', async () => {
      const { put, keys } = await fresh()
      const wild = [
        'é',
        'z',
        'a',
        'A',
        '\u{1f600}',
        '\uffee',
        '\ue000',
        'a\u0000',
        'a\u0001',
        'aa',
        '中',
        '~',
        '\u{10ffff}',
        'a/',
        'a-',
        'a.',
      ]
      for (const key of wild) await put(key, key)
      const ordered = [...wild].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await keys({ prefix: '' })).toEqual(ordered)
      expect(await keys({ prefix: 'a' })).toEqual(ordered.filter((key) => key.startsWith('a')))
      expect(await keys({ prefix: '', after: '\ue000' })).toEqual(['\uffee', '\u{1f600}', '\u{10ffff}'])
      expect(await keys({ prefix: '\u{10ffff}' })).toEqual(['\u{10ffff}'])
    })

    test('limit and after give every row once, page by page, and say whether more follows', async () => {
      const { store, put } = await fresh()
      const all = upTo(25).map((i) => `/p/${String(i).padStart(3, '0')}`)
      await Promise.all([...all, '/q'].map((key) => put(key, key)))
      const pages: Range[] = []
      for (let after: string | undefined; ; ) {
        const page = await store.range({ prefix: '/p/', limit: 10, ...(after !== undefined && { after }) })
        pages.push(page)
        if (!page.more) break
        after = page.rows.at(-1)?.key
      }
      expect(pages.map(({ rows, more }) => [rows.length, more])).toEqual([
        [10, true],
        [10, true],
        [5, false],
      ])
      expect(pages.flatMap(({ rows }) => rows.map(({ key }) => key))).toEqual(all)
    })

    test('a limit that fits exactly leaves nothing more; 0 is no limit', async () => {
      const { store, put } = await fresh()
      for (const key of ['a', 'b', 'c']) await put(key, key)
      expect(await store.range({ prefix: '', limit: 3 })).toMatchObject({ more: false })
      expect(await store.range({ prefix: '', limit: 2 })).toMatchObject({ more: true })
      expect((await store.range({ prefix: '', limit: 0 })).rows.length).toBe(3)
    })

    test('`after` need not exist, may lie before the prefix, and may lie behind everything', async () => {
      const { put, keys } = await fresh()
      for (const key of ['/a/1', '/a/3', '/b/1']) await put(key, key)
      expect(await keys({ prefix: '/a/', after: '/a/2' })).toEqual(['/a/3'])
      expect(await keys({ prefix: '/a/', after: '/' })).toEqual(['/a/1', '/a/3'])
      expect(await keys({ prefix: '/a/', after: '/b' })).toEqual([])
      expect(await keys({ prefix: '/a/', after: '/a/3' })).toEqual([])
    })

    test('a long range under writes is one revision: never a half of two commits that belong together', async () => {
      const { store, put } = await fresh()
      const count = 3_000
      await Promise.all(upTo(count).map((i) => put(`/k/${String(i).padStart(5, '0')}`, '0'.repeat(600))))
      let writing = true
      const writer = async () => {
        for (let round = 1; writing; round += 1)
          await Promise.all(upTo(count / 50).map((i) => put(`/k/${String(i * 50).padStart(5, '0')}`, `${round}`)))
      }
      const written = writer()
      for (let i = 0; i < 5; i += 1) {
        const { rows, revision } = await store.range({ prefix: '/k/' })
        expect(rows.length).toBe(count)
        expect(Math.max(...rows.map((row) => row.revision))).toBeLessThanOrEqual(revision)
        // The truth at that revision has every change up to it, and the newest of them is that revision itself.
        expect(rows.some((row) => row.revision === revision)).toBe(true)
      }
      writing = false
      await written
    })

    test('a range sees every commit that was acknowledged before it was asked for', async () => {
      const { store, put, remove } = await fresh()
      for (let i = 1; i <= 100; i += 1) {
        await put(`/k/${i % 7}`, `${i}`)
        if (i % 5 === 0) await remove(`/k/${i % 7}`)
        const found = (await store.range({ prefix: '/k/' })).rows.find(({ key }) => key === `/k/${i % 7}`)
        expect(text(found?.value)).toBe(i % 5 === 0 ? undefined : `${i}`)
      }
    })
  })
}
