import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemEnv } from './env.ts'

const dayMs = 86_400_000
const env = systemEnv()

// The runner's fake timers have the same limit as Node's own: a longer delay fires at once.
beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('a wait of sixty days lasts sixty days', async () => {
  const done: string[] = []
  env.after(60 * dayMs, () => done.push('after'))
  void env.sleep(60 * dayMs).then(() => done.push('sleep'))
  await vi.advanceTimersByTimeAsync(60 * dayMs - 1)
  expect(done).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toEqual(['after', 'sleep'])
})

test('a long wait can be called off in any of its parts, and one without end never ends', async () => {
  const done: string[] = []
  const cancel = env.after(60 * dayMs, () => done.push('cancelled'))
  const abort = new AbortController()
  const slept = env.sleep(60 * dayMs, abort.signal).then(() => done.push('aborted'))
  const endless = env.after(Number.POSITIVE_INFINITY, () => done.push('endless'))
  await vi.advanceTimersByTimeAsync(40 * dayMs)
  cancel()
  abort.abort()
  await slept
  await vi.advanceTimersByTimeAsync(400 * dayMs)
  expect(done).toEqual(['aborted'])
  endless()
  expect(vi.getTimerCount()).toBe(0)
})

test('short waits and those of the past run at once', async () => {
  const done: string[] = []
  env.after(0, () => done.push('zero'))
  env.after(-5, () => done.push('past'))
  await vi.advanceTimersByTimeAsync(1)
  expect(done).toEqual(['zero', 'past'])
})
