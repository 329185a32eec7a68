import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterAll, describe, expect, test } from 'vitest'
import { type Store, StoreUnusable } from '../store.ts'
import { openDurableStore } from './durable.ts'
import { restoreSnapshot } from './snapshot.ts'

const root = await mkdtemp(join(tmpdir(), 'skiff-refusals-'))
afterAll(() => rm(root, { recursive: true }))

const openIn = (dir: string) => openDurableStore({ dir, env: systemEnv() })
const refusalOf = async (dir: string): Promise<string> => {
  const outcome = await openIn(dir).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(StoreUnusable)
  return (outcome as Error).message
}
const put = (store: Store, key: string, value: Uint8Array) => store.commit({ key, value, expect: 'any' })

/** A closed store of about 2 MB. */
const filled = async (name: string): Promise<string> => {
  const dir = join(root, name)
  const store = await openIn(dir)
  await Promise.all(Array.from({ length: 400 }, (_, i) => put(store, `k${i}`, Buffer.alloc(5_000, i))))
  await store.close()
  return dir
}

const scribble = async (file: string, at: number, bytes: number) => {
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(bytes, 0x5a), 0, bytes, at)
  await handle.close()
}

describe('the directory', () => {
  test('of something else is refused and left alone', async () => {
    const dir = join(root, 'foreign')
    await mkdir(dir)
    await writeFile(join(dir, 'notes.txt'), 'mine')
    expect(await refusalOf(dir)).toMatch(/not empty and not a store of Skiff \(found notes.txt\): name an empty or new directory/)
    expect(await readdir(dir)).toEqual(['notes.txt'])
  })

  test('that cannot be one is refused', async () => {
    await writeFile(join(root, 'file'), '')
    expect(await refusalOf(join(root, 'file', 'store'))).toMatch(
      /cannot be a store's directory \(.*\): name one that this user may write to/,
    )
  })

  test('of a newer program is refused', async () => {
    const dir = await filled('newer')
    await writeFile(join(dir, 'skiff-store'), 'skiff store 2\n')
    expect(await refusalOf(dir)).toMatch(/has format 2, written by a newer Skiff; this one reads format 1: use the newer program/)
  })

  test('with a database of another program is refused', async () => {
    const dir = await filled('other')
    const { DatabaseSync } = await import('node:sqlite')
    const db = new DatabaseSync(join(dir, 'store.db'))
    db.exec('PRAGMA application_id = 7')
    db.close()
    expect(await refusalOf(dir)).toMatch(/database of another program/)
  })

  test('that is open already is refused, here and from another process', async () => {
    const dir = join(root, 'twice')
    const outcomes = await Promise.allSettled([openIn(dir), openIn(dir), openIn(dir)])
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(winners.length).toBe(1)
    expect(await refusalOf(dir)).toMatch(new RegExp(`in use by process ${process.pid}: stop that process first`))
    await winners[0]?.value.close()

    const other = spawn('sleep', ['60'])
    const start = (await readFile(`/proc/${other.pid}/stat`, 'utf8')).split(' ')[21]
    await writeFile(join(dir, 'lock'), `${other.pid} ${start}\n`)
    expect(await refusalOf(dir)).toMatch(new RegExp(`in use by process ${other.pid}`))
    other.kill()
    await once(other, 'close')
    await (await openIn(dir)).close()
  })

  test('whose owner is gone is taken over, also when its process id is used again', async () => {
    const dir = await filled('stale')
    for (const lock of [`${spawnSync('true').pid} 12345\n`, `${process.pid} 1\n`, '']) {
      await writeFile(join(dir, 'lock'), lock)
      const store = await openIn(dir)
      expect((await store.range({ prefix: '' })).rows.length).toBe(400)
      await store.close()
    }
    expect((await readdir(dir)).sort()).toEqual(['skiff-store', 'store.db'])
  })
})

describe('a damaged file', () => {
  test('is refused with what to do, again and again', async () => {
    const dir = await filled('header')
    await scribble(join(dir, 'store.db'), 0, 4_096)
    for (let i = 0; i < 2; i += 1)
      expect(await refusalOf(dir)).toMatch(/store.db cannot be used \(.*\): restore a snapshot into .*, or move .* away/)
  })

  test('is found after an unclean stop before anything is served, and each time', async () => {
    const dir = await filled('middle')
    await scribble(join(dir, 'store.db'), 1_000_000, 100_000)
    await writeFile(join(dir, 'lock'), '0 -\n')
    for (let i = 0; i < 2; i += 1) expect(await refusalOf(dir)).toMatch(/restore a snapshot/)
  })

  test('ends a store that meets it while serving; the next start checks', async () => {
    const dir = await filled('serving')
    const store = await openIn(dir)
    const ended: Error[] = []
    await store.watch({ prefix: '', after: 400, deliver: () => undefined, ended: (why) => ended.push(why) })
    const { size } = await stat(join(dir, 'store.db'))
    await scribble(join(dir, 'store.db'), 8_192, size - 8_192)
    await expect(store.range({ prefix: '' })).rejects.toThrow()
    await expect(put(store, 'a', Buffer.from('x'))).rejects.toThrow(/failed and has ended .* check the disk, then start again/)
    expect(ended.length).toBe(1)
    await store.close()
    expect(await refusalOf(dir)).toMatch(/restore a snapshot/)
  })
})

describe('a snapshot', () => {
  test('is consistent while the store is written to, and is restored over a damaged store', async () => {
    const dir = await filled('snapshot')
    const store = await openIn(dir)
    let writing = true
    const written = (async () => {
      for (let i = 0; writing; i += 1)
        await Promise.all([put(store, 'left', Buffer.from(`${i}`)), put(store, 'right', Buffer.from(`${i}`))])
    })()
    const path = join(root, 'snapshot.db')
    await store.snapshot(path)
    writing = false
    await written
    await expect(store.snapshot(path)).rejects.toThrow(/exists: name a new file/)
    await expect(restoreSnapshot(path, dir)).rejects.toThrow(/in use by process/)
    const last = await store.revision()
    await store.close()

    await scribble(join(dir, 'store.db'), 0, 100_000)
    await refusalOf(dir)
    await restoreSnapshot(path, dir)
    const restored = await openIn(dir)
    const { rows, revision } = await restored.range({ prefix: '' })
    // Higher than anything that a client of the lost store can have seen.
    expect(revision).toBeGreaterThan(last)
    expect(rows.filter(({ key }) => key.startsWith('k')).length).toBe(400)
    const [left, right] = rows.filter(({ key }) => !key.startsWith('k')).map(({ value }) => Number(Buffer.from(value)))
    expect(Math.abs((left ?? 0) - (right ?? 0))).toBeLessThanOrEqual(1)
    await expect(restored.watch({ prefix: '', after: last, deliver: () => undefined, ended: () => undefined })).rejects.toThrow(/compacted/)
    expect(await put(restored, 'k0', Buffer.from('x'))).toMatchObject({ ok: true, revision: revision + 1, created: 1 })
    await restored.close()
    expect(await readdir(dir)).toContain('store.db.replaced')
  })

  test('that is none is not restored, and what was there stays', async () => {
    const dir = await filled('kept')
    await writeFile(join(root, 'nonsense'), Buffer.alloc(50_000, 1))
    await expect(restoreSnapshot(join(root, 'nonsense'), dir)).rejects.toThrow(/cannot be restored/)
    await expect(restoreSnapshot(join(root, 'nothing'), dir)).rejects.toThrow(/there is no snapshot/)
    const store = await openIn(dir)
    expect((await store.range({ prefix: '' })).rows.length).toBe(400)
    await store.close()
  })
})
