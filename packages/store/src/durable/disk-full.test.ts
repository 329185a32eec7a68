import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { type CommitResult, type Store, StoreUnusable } from '../store.ts'
import { openDurableStore } from './durable.ts'

const mounted = (at: string): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', at], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Acknowledged keys with their revisions, and the first refusal. */
const fill = async (store: Store): Promise<{ kept: Map<string, number>; refusal: unknown }> => {
  const kept = new Map<string, number>()
  for (let round = 0; ; round += 1) {
    const keys = Array.from({ length: 8 }, (_, i) => `fill/${round}/${i}`)
    const results = await Promise.allSettled(keys.map((key) => store.commit({ key, expect: 'absent', value: new Uint8Array(50_000) })))
    results.forEach((result, i) => {
      if (result.status === 'fulfilled' && result.value.ok) kept.set(keys[i] as string, result.value.revision)
    })
    const refused = results.find((result) => result.status === 'rejected')
    if (refused) return { kept, refusal: refused.reason }
  }
}

const holds = async (store: Store, kept: ReadonlyMap<string, number>) => {
  const { rows } = await store.range({ prefix: 'fill/' })
  expect(new Map(rows.map(({ key, revision }) => [key, revision]))).toEqual(kept)
}

test('a full disk refuses writes and all chained on them, keeps the rest, and passes', async (context) => {
  const root = await mkdtemp(join(tmpdir(), 'skiff-full-'))
  if (process.getuid?.() !== 0 || !mounted(root)) {
    await rm(root, { recursive: true })
    return context.skip('only root can mount a small disk: the full disk is not tested')
  }
  const dir = join(root, 'store')
  const open = () => openDurableStore({ dir, env: systemEnv() })
  try {
    await mkdir(dir)
    await writeFile(join(root, 'ballast'), new Uint8Array(3_000_000))
    let store = await open()
    const { kept, refusal } = await fill(store)
    expect(refusal).toBeInstanceOf(StoreUnusable)
    expect((refusal as Error).message).toMatch(/full.* make space on the disk of .*, then try again/)
    expect(await store.revision()).toBe(Math.max(...kept.values()))
    await holds(store, kept)

    const value = new Uint8Array(400_000)
    const chained = await Promise.allSettled([
      store.commit({ key: 'chain', expect: 'absent', value }),
      store.commit({ key: 'chain', expect: (await store.revision()) + 1, value }),
      store.commit({ key: 'chain', expect: 'absent', value }),
    ])
    expect(chained.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])

    await rm(join(root, 'ballast'))
    const before = await store.revision()
    const again = await store.commit({ key: 'chain', expect: 'absent', value: new Uint8Array(1_000) })
    expect(again).toMatchObject({ ok: true, revision: before + 1 } satisfies Partial<CommitResult>)
    await store.close()
    store = await open()
    await holds(store, kept)
    expect((await store.read('chain'))?.value.length).toBe(1_000)
    await store.close()
  } finally {
    execFileSync('umount', ['-l', root])
    await rm(root, { recursive: true })
  }
})
