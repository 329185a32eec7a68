/** Commits one after the other, then many at once, and prints `ack <n>` for each, for a tracer that watches the flushes. */
import { writeSync } from 'node:fs'
import { systemEnv } from '@skiff/machinery'
import { openDurableStore } from '../durable.ts'

const store = await openDurableStore({ dir: process.argv[2] ?? '', env: systemEnv() })
const put = async (n: number) => {
  await store.commit({ key: `k${n}`, value: Buffer.alloc(2_000, n), expect: 'any' })
  writeSync(1, `ack ${n}\n`)
}
for (let n = 0; n < 30; n += 1) await put(n)
await Promise.all(Array.from({ length: 64 }, (_, n) => put(30 + n)))
await store.close()
