import { buildBuiltins, type Kind } from '@skiff/api'
import { type Env, type KubeObject, systemEnv } from '@skiff/machinery'
import { expect, test } from 'vitest'
import { applyChanges, createCache } from '../registry/cache.ts'
import type { ServedFrame } from './frame.ts'
import { hubOf, type Watcher } from './hub.ts'

const configMaps = buildBuiltins().kinds.find((each) => each.kind === 'ConfigMap') as Kind
const value = (name: string, namespace: string): Buffer => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace, uid: name, creationTimestamp: '2025-01-01T00:00:00Z' },
  }
  return configMaps.codec.encode(object as unknown as KubeObject).bytes
}

/** A hub over an empty cache, on a clock of its own. */
const start = () => {
  let now = 0
  let timers: { at: number; act: () => void }[] = []
  const env: Env = {
    ...systemEnv(),
    monotonicMs: () => now,
    after: (ms, act) => {
      const timer = { at: now + ms, act }
      timers.push(timer)
      return () => {
        timers = timers.filter((each) => each !== timer)
      }
    },
  }
  const cache = createCache(configMaps, [], 1)
  const hub = hubOf(env, cache)
  const heard = (names: string[], more: Partial<Watcher> = {}): Watcher => ({
    prefix: '',
    match: undefined,
    after: 0,
    push: (frames) => names.push(...frames.map((frame) => frame.object.metadata.name as string)),
    ...more,
  })
  return {
    hub,
    heard,
    write: (name: string, namespace = 'n') =>
      applyChanges(
        cache,
        [{ key: `configmaps/${namespace}/${name}`, revision: cache.revision + 1, value: value(name, namespace), previous: null }] as never,
        (key) => key.slice('configmaps/'.length),
      ),
    pass: (ms: number) => {
      now += ms
      const due = timers.filter((timer) => timer.at <= now)
      timers = timers.filter((timer) => timer.at > now)
      for (const timer of due) timer.act()
    },
  }
}

test('a few watches hear of each event at once, of their namespace, selection and time only', () => {
  const { hub, heard, write } = start()
  const [all, one, chosen, late, future]: string[][] = [[], [], [], [], []]
  hub.subscribe(heard(all as string[]))
  hub.subscribe(heard(one as string[], { prefix: 'one/' }))
  hub.subscribe(heard(chosen as string[], { match: (object) => object.metadata.name === 'b' }))
  hub.subscribe(heard(future as string[], { after: 3 }))
  write('a', 'one')
  write('b', 'two')
  const stop = hub.subscribe(heard(late as string[]))
  write('c', 'one')
  stop()
  write('d', 'one')
  expect([all, one, chosen, late, future]).toEqual([['a', 'b', 'c', 'd'], ['a', 'c', 'd'], ['b'], ['c'], ['c', 'd']])
})

test('many watches hear of what comes shortly after each other together, and share it; none hears what was there when it began', () => {
  const { hub, heard, write, pass } = start()
  const batches: (readonly ServedFrame[])[] = []
  const names: string[] = []
  for (let at = 0; at < 200; at++) hub.subscribe({ ...heard([]), push: (frames) => batches.push(frames) })
  hub.subscribe(heard(names))
  pass(1000)
  write('a')
  expect(batches).toHaveLength(200)
  write('b')
  write('c')
  const late: string[] = []
  hub.subscribe(heard(late))
  expect(batches).toHaveLength(200)
  pass(20)
  expect(batches).toHaveLength(400)
  expect(new Set(batches).size).toBe(2)
  write('d')
  hub.flush()
  expect(names).toEqual(['a', 'b', 'c', 'd'])
  expect(late).toEqual(['d'])
  pass(100)
  expect(names).toHaveLength(4)
})
