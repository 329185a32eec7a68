import { expect, test } from 'vitest'
import { endedAt, startedAt } from './respawn.ts'

test('one that ends at once waits twice as long each time, up to half a minute; after a minute of health it is quick again', () => {
  let nowMs = 0
  let state = startedAt(nowMs)
  const endsAfter = (ms: number): number => {
    nowMs += ms
    state = endedAt(nowMs, state)
    const waitMs = state.notBeforeMs - nowMs
    nowMs = state.notBeforeMs
    state = startedAt(nowMs, state)
    return waitMs
  }
  expect([10, 10, 10, 10, 10, 10, 59_999].map(endsAfter)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  expect([60_000, 10].map(endsAfter)).toEqual([1_000, 2_000])
})
