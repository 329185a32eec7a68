import { virtualEnv } from '@skiff/client'
import { expect, test } from 'vitest'
import type { ClusterEvent } from '../cycle/framework.ts'
import { goesFirst } from '../plugins/priority-sort.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { nodeOf, podOf } from '../testing/objects.ts'
import { createSchedulingQueue } from './scheduling-queue.ts'

const info = (name: string, priority = 0) => podInfoOf(podOf(name, { priority }))
const nodeAdded: ClusterEvent = { on: 'node-added', node: nodeOf('n') }
const setup = () => {
  const env = virtualEnv()
  let wakes = 0
  const queue = createSchedulingQueue(env, {
    reacts: (_plugin, on) => on === 'node-added',
    goesFirst,
    hint: (plugin) => plugin === 'Fit',
    wake: () => {
      wakes += 1
    },
  })
  const names = (): string[] => {
    const popped: string[] = []
    for (let next = queue.pop(); next; next = queue.pop()) popped.push(next.pod.pod.metadata.name)
    return popped
  }
  return { env, queue, names, wakes: () => wakes }
}

test('priority first, then who came first', () => {
  const { queue, names } = setup()
  for (const pod of [info('a'), info('b', 10), info('c'), info('d', 10), info('e', -5)]) queue.add(pod)
  expect(names()).toEqual(['b', 'd', 'a', 'c', 'e'])
})

test('a refused pod comes back only by what its plugin reacts to', () => {
  const { queue, names } = setup()
  queue.add(info('a'))
  queue.add(info('b'))
  for (const plugin of ['Fit', 'Other']) {
    const next = queue.pop()
    if (next) queue.refused(next, new Set([plugin]))
  }
  queue.happened({ on: 'storage', resource: 'persistentvolumes' })
  expect(names()).toEqual([])
  queue.happened(nodeAdded)
  expect(names()).toEqual(['a'])
})

test('a pod that an error of the server struck sits out a backoff that doubles to 10 s', async () => {
  const { env, queue } = setup()
  queue.add(info('a'))
  const waits: number[] = []
  for (let round = 0; round < 6; round += 1) {
    const next = queue.pop()
    if (!next) throw new Error('nothing to pop')
    queue.retry(next)
    let waited = 0
    while (!queue.hasActive) {
      await env.advance(1_000)
      waited += 1
    }
    waits.push(waited)
  }
  expect(waits).toEqual([1, 2, 4, 8, 10, 10])
})

test('a gate may close behind a pod that was tried: no event brings it back until it opens', () => {
  let closed = false
  const queue = createSchedulingQueue(virtualEnv(), {
    ...{ goesFirst, reacts: () => true, wake: () => {}, blockedBy: () => (closed ? 'Gate' : undefined) },
    hint: (plugin) => plugin === 'Fit' || !closed,
  })
  queue.add(info('a'))
  queue.refused(queue.pop() as never, new Set(['Fit']))
  closed = true
  for (let i = 0; i < 2; i += 1) queue.happened(nodeAdded)
  expect([queue.pop(), queue.pending().gated]).toEqual([undefined, 1])
  closed = false
  queue.happened(nodeAdded)
  expect([queue.pop()?.attempts, queue.pending().gated]).toEqual([2, 0])
})

test('after five minutes a pod is tried again without any event', async () => {
  const { env, queue, names } = setup()
  queue.add(info('a'))
  const next = queue.pop()
  if (next) queue.refused(next, new Set(['Other']))
  await env.advance(299_000)
  expect(names()).toEqual([])
  await env.advance(31_000)
  expect(names()).toEqual(['a'])
})

test('a changed pod keeps its place by its new priority; a removed one is gone', () => {
  const { queue, names } = setup()
  for (const name of ['a', 'b', 'c']) queue.add(info(name))
  queue.update(info('c', 5), [])
  queue.remove(info('b').uid)
  expect(names()).toEqual(['c', 'a'])
})

test('what changes of a pod brings it back only where that may help past who refused it', () => {
  const queue = createSchedulingQueue(virtualEnv(), {
    ...{ goesFirst, reacts: () => false, hint: () => false, wake: () => {} },
    mayHelpItself: (plugin, changes) => plugin === 'Taints' && changes.includes('tolerations'),
  })
  for (const [name, plugin] of Object.entries({ a: 'Fit', b: 'Taints' })) {
    queue.add(info(name))
    queue.refused(queue.pop() as never, new Set([plugin]))
  }
  queue.update(info('b'), ['labels'])
  for (const name of ['a', 'b']) queue.update(info(name), ['tolerations'])
  expect([queue.pop()?.pod.pod.metadata.name, queue.pop()]).toEqual(['b', undefined])
  queue.update(info('a'), true)
  expect(queue.pop()?.pod.pod.metadata.name).toBe('a')
})

test('backoffs that end within one second go by priority; who failed is not in the way of who was refused', async () => {
  const { env, queue, names } = setup()
  const refuse = (name: string, priority: number) => {
    queue.add(info(name, priority))
    queue.refused(queue.pop() as never, new Set(['Fit']))
  }
  queue.add(info('failed'))
  queue.retry(queue.pop() as never)
  refuse('low', 0)
  await env.advance(300)
  refuse('high', 10)
  queue.happened(nodeAdded)
  expect(names()).toEqual(['high', 'low'])
  await env.advance(700)
  expect(names()).toEqual(['failed'])
})

test('a pod that is activated is tried at once, also when others decide on it', () => {
  const { queue, names } = setup()
  queue.add(info('rests'))
  queue.refused(queue.pop() as never, new Set(['Other']))
  queue.add(info('failed'))
  queue.retry(queue.pop() as never)
  queue.add(info('decided'))
  const decided = queue.pop() as never
  queue.detain(decided)
  queue.activate(['rests', 'failed', 'decided', 'unknown'].map((name) => info(name).uid))
  expect(names()).toEqual(['rests', 'failed'])
  queue.refused(decided, new Set(['Other']))
  expect(names()).toEqual(['decided'])
})

test('a pod that is postponed sits out its backoff', async () => {
  const { env, queue, names } = setup()
  queue.add(info('a'))
  queue.refused(queue.pop() as never, new Set(['Other']))
  queue.postpone(info('a').uid)
  expect(names()).toEqual([])
  await env.advance(1_000)
  expect(names()).toEqual(['a'])
})
