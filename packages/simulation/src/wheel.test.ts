import { virtualEnv } from '@skiff/client'
import { expect, test } from 'vitest'
import { createWheel } from './wheel.ts'

test('acts are run in order of their time, each once, and those that were cancelled never', async () => {
  const env = virtualEnv()
  const wheel = createWheel(env)
  const ran: string[] = []
  const at = (ms: number) => wheel.after(ms, () => ran.push(`${ms}@${env.monotonicMs()}`))
  for (const ms of [5_000, 20, 1_000, 310, 1_001, 70_000]) at(ms)
  at(400)()
  expect(wheel.size).toBe(6)
  await env.advance(6_000)
  expect(ran).toEqual(['20@50', '310@350', '1000@1000', '1001@1050', '5000@5000'])
  wheel.after(0, () => wheel.after(10, () => ran.push('nested')))
  await env.advance(100)
  expect(ran.at(-1)).toBe('nested')
  expect(wheel.size).toBe(1)
  wheel.stop()
  await env.advance(100_000)
  expect(ran).toHaveLength(6)
})
