import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { openDurableStore } from './durable.ts'

test('only its owner may read a snapshot; it is restored by a program that Node was started for in any way', async () => {
  const root = await mkdtemp(join(tmpdir(), 'skiff-snapshot-'))
  try {
    const dir = join(root, 'store')
    const snapshot = join(root, 'snapshot.db')
    const store = await openDurableStore({ dir, env: systemEnv() })
    await store.commit({ key: 'a', value: Buffer.from('one'), expect: 'absent' })
    await store.snapshot(snapshot)
    await store.close()
    expect((await stat(snapshot)).mode & 0o777).toBe(0o600)

    const source = pathToFileURL(join(import.meta.dirname, 'snapshot.ts')).href
    const target = join(root, 'restored')
    const script = `import { restoreSnapshot } from ${JSON.stringify(source)}; await restoreSnapshot(${JSON.stringify(snapshot)}, ${JSON.stringify(target)})`
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { env: { ...process.env, NODE_OPTIONS: '' } })
    const restored = await openDurableStore({ dir: target, env: systemEnv() })
    expect(Buffer.from((await restored.read('a'))?.value ?? []).toString()).toBe('one')
    await restored.close()
  } finally {
    await rm(root, { recursive: true })
  }
})
