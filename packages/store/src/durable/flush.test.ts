import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const CHILD = fileURLToPath(new URL('./testing/flush-child.ts', import.meta.url))
const run = promisify(execFile)

const tracer = () => {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

type Event = 'write' | 'flush' | 'ack'

/** What the kernel was asked for, in order: writes to the log, flushes of it that succeeded, and acknowledgements. */
const eventsOf = (trace: string): Event[] =>
  trace.split('\n').flatMap((line): Event[] => {
    if (/ pwrite64\(\d+<[^>]*store\.db-wal>/.test(line)) return ['write']
    // A call that another thread interrupts is shown in two lines; it has succeeded at the second.
    if (/ (fsync|fdatasync)(\(\d+<[^>]*store\.db-wal>\)| resumed>.*\)) += 0/.test(line)) return ['flush']
    return / write\(1<[^>]*>, "ack \d+/.test(line) ? ['ack'] : []
  })

test('each acknowledged write was flushed to the disk first, and writes at once share a flush', async (context) => {
  if (!tracer()) return context.skip('strace is not installed or may not trace here: flushes are not counted')
  const dir = await mkdtemp(join(tmpdir(), 'skiff-flush-'))
  try {
    const trace = join(dir, 'trace')
    const calls = 'trace=fsync,fdatasync,pwrite64,write'
    await run('strace', ['-f', '-y', '-o', trace, '-e', calls, process.execPath, CHILD, join(dir, 'store')])
    const events = eventsOf(await readFile(trace, 'utf8'))
    let state: 'acknowledged' | 'written' | 'flushed' = 'acknowledged'
    const flushes = { alone: 0, together: 0 }
    let acks = 0
    for (const event of events) {
      if (event === 'write') state = 'written'
      if (event === 'flush') flushes[acks < 30 ? 'alone' : 'together'] += 1
      if (event === 'flush') state = 'flushed'
      if (event !== 'ack') continue
      acks += 1
      // One after the other: each has its own write and flush. At once: none is acknowledged between a write and its flush.
      if (acks <= 30) expect({ acks, state }).toEqual({ acks, state: 'flushed' })
      if (acks <= 30) state = 'acknowledged'
      else expect({ acks, state }).not.toEqual({ acks, state: 'written' })
    }
    expect(acks).toBe(94)
    expect(flushes.alone).toBeGreaterThanOrEqual(30)
    expect(flushes.together).toBeLessThan(32)
  } finally {
    await rm(dir, { recursive: true })
  }
})
