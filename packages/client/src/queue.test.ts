import { expect, test } from 'vitest'
import { createQueue, type KeyQueue } from './queue.ts'
import { virtualEnv } from './testing/virtual-env.ts'

const drain = async (queue: KeyQueue): Promise<string[]> => {
  const keys: string[] = []
  while (queue.size > 0) {
    const key = (await queue.next()) as string
    keys.push(key)
    queue.done(key)
  }
  return keys
}

test('a key is held once and handed out in order', async () => {
  const queue = createQueue(virtualEnv())
  for (const key of ['a', 'b', 'a', 'c']) queue.add(key)
  expect(await drain(queue)).toEqual(['a', 'b', 'c'])
})

test('what was added, tried again and waited for is counted', async () => {
  const env = virtualEnv()
  const waits: number[] = []
  const queue = createQueue(env, { waited: (seconds) => waits.push(seconds) })
  for (const key of ['a', 'a', 'b']) queue.add(key)
  expect(queue.adds).toBe(2)
  await env.advance(2_000)
  await drain(queue)
  expect(waits).toEqual([2, 2])
  queue.retry('a')
  const taken = queue.next()
  await env.advance(1_000)
  expect(await taken).toBe('a')
  expect([queue.adds, queue.retried, waits.at(-1)]).toEqual([3, 1, 0])
})

test('one flight a key: added while in work, it comes back after done', async () => {
  const queue = createQueue(virtualEnv())
  queue.add('a')
  expect(await queue.next()).toBe('a')
  queue.add('a')
  queue.add('a')
  expect([queue.size, queue.inFlight]).toEqual([0, 1])
  queue.done('a')
  expect(await drain(queue)).toEqual(['a'])
})

test('who waits gets the next key; close wakes everybody', async () => {
  const queue = createQueue(virtualEnv())
  const first = queue.next()
  const second = queue.next()
  queue.add('a')
  expect(await first).toBe('a')
  queue.close()
  expect(await second).toBeUndefined()
  expect(await queue.next()).toBeUndefined()
})

test('retries wait 5, 10, 20 ms and so on to the limit, and anew after forget', () => {
  const queue = createQueue(virtualEnv())
  expect([1, 2, 3, 4].map(() => queue.retry('a'))).toEqual([5, 10, 20, 40])
  for (let n = 0; n < 60; n += 1) queue.retry('a')
  expect(queue.retry('a')).toBe(1_000_000)
  queue.forget('a')
  expect([queue.retries('a'), queue.retry('a')]).toEqual([0, 5])
})

test('of several delays of one key the earliest counts', async () => {
  const env = virtualEnv()
  const queue = createQueue(env)
  queue.addAfter('a', 1_000)
  queue.addAfter('a', 100)
  queue.addAfter('a', 500)
  await env.advance(99)
  expect(queue.size).toBe(0)
  await env.advance(1)
  expect(await drain(queue)).toEqual(['a'])
  await env.advance(2_000)
  expect(queue.size).toBe(0)
})
