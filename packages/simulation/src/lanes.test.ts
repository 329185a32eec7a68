import { expect, test } from 'vitest'
import { createLanes } from './lanes.ts'

test('tasks start in order, no more at a time than there are lanes, and stop waits for those that run', async () => {
  const lanes = createLanes(2)
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const began: number[] = []
  for (const [i, gate] of gates.entries())
    lanes.run(() => {
      began.push(i)
      return gate.promise
    })
  expect(began).toEqual([0, 1])
  expect(lanes.busy).toBe(4)
  gates[1]?.resolve()
  await new Promise(setImmediate)
  expect(began).toEqual([0, 1, 2])
  let isStopped = false
  const stopped = lanes.stop().then(() => {
    isStopped = true
  })
  gates[0]?.resolve()
  await new Promise(setImmediate)
  expect([began, isStopped]).toEqual([[0, 1, 2], false])
  gates[2]?.resolve()
  await stopped
  lanes.run(async () => void began.push(9))
  expect(began).toEqual([0, 1, 2])
})
