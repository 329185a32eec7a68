import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { openDurableStore } from './durable.ts'

const CHILD = fileURLToPath(new URL('./testing/limited-child.ts', import.meta.url))

interface Seen {
  readonly acknowledged: number
  readonly refusal: string
  readonly later: string
  readonly ended: readonly string[]
}

test('a disk that fails ends the store and its watches; what was acknowledged is there after a check', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'skiff-failing-'))
  try {
    // The unit of the limit is 512 or 1,024 bytes, as the shell likes; the log grows to 4 MB.
    const limited = ['-c', 'ulimit -f 2000 && exec "$@"', 'sh', process.execPath, CHILD, dir]
    const { stdout } = await promisify(execFile)('sh', limited)
    const seen = JSON.parse(stdout) as Seen
    expect(seen.acknowledged).toBeGreaterThan(10)
    expect(seen.acknowledged).toBeLessThan(5_000)
    expect(seen.refusal).toMatch(/failed and has ended \(disk I\/O error\): check the disk, then start again/)
    expect(seen.later).toBe(seen.refusal)
    expect(seen.ended).toEqual(['StoreUnusable'])

    const store = await openDurableStore({ dir, env: systemEnv() })
    const { rows } = await store.range({ prefix: '' })
    expect(rows.map(({ key }) => key).sort()).toEqual(Array.from({ length: seen.acknowledged }, (_, i) => `k${i}`).sort())
    await store.close()
  } finally {
    await rm(dir, { recursive: true })
  }
})
