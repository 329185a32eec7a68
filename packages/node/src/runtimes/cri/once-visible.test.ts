import { virtualEnv } from '@skiff/client'
import { expect, test } from 'vitest'
import { createEventHub } from '../event-hub.ts'
import type { ContainerInfo, RuntimeEvent } from '../runtime.ts'
import { onceVisible } from './once-visible.ts'

type State = ContainerInfo['state']

/** A CRI whose view of each container is what the test says, and a stream that the test speaks on. */
const begin = () => {
  const env = virtualEnv()
  const hub = createEventHub()
  const states = new Map<string, State>()
  const stop = new AbortController()
  const heard: string[] = []
  let looks = 0
  const runtime = {
    containerStatus: async (id: string) => {
      looks += 1
      const state = states.get(id)
      return state && ({ containerId: id, state } as ContainerInfo)
    },
    podSandboxStatus: async () => undefined,
  }
  const reading = (async () => {
    for await (const { kind, containerId } of onceVisible(env, hub.listen, runtime, stop.signal)) heard.push(`${kind} ${containerId}`)
  })()
  const tell = (kind: RuntimeEvent['kind'], containerId: string) => hub.emit({ kind, containerId, atNs: 0n })
  const end = async () => {
    stop.abort()
    await reading
  }
  return { env, states, heard, tell, end, looks: () => looks }
}

test('an end is told once the runtime shows it, however late that is', async () => {
  const { env, states, heard, tell, end, looks } = begin()
  states.set('a', 'running')
  await env.advance(0)
  tell('stopped', 'a')
  await env.advance(5_000)
  expect(heard).toEqual([])
  expect(looks()).toBeLessThan(30)
  states.set('a', 'exited')
  await env.advance(250)
  expect(heard).toEqual(['stopped a'])
  await end()
})

test('a container so short that its end comes before its beginning is noted has not ended yet', async () => {
  const { env, states, heard, tell, end } = begin()
  states.set('a', 'created')
  await env.advance(0)
  tell('stopped', 'a')
  await env.advance(100)
  states.set('a', 'running')
  await env.advance(1_000)
  expect(heard).toEqual([])
  states.set('a', 'exited')
  await env.advance(250)
  expect(heard).toEqual(['stopped a'])
  await end()
})

test('what waits holds up nothing else, and what is gone waits for nothing', async () => {
  const { env, states, heard, tell, end } = begin()
  states.set('slow', 'running')
  states.set('quick', 'exited')
  await env.advance(0)
  for (const id of ['slow', 'quick', 'gone']) tell('stopped', id)
  tell('created', 'next')
  await env.advance(0)
  expect(heard.sort()).toEqual(['created next', 'stopped gone', 'stopped quick'])
  await env.advance(60_250)
  expect(heard, 'not for ever').toContain('stopped slow')
  await end()
})

test('a stream that breaks is told', async () => {
  const broken = async function* (): AsyncIterable<RuntimeEvent> {
    yield { kind: 'created', containerId: 'a', atNs: 0n }
    throw new Error('broken')
  }
  const runtime = { containerStatus: async () => undefined, podSandboxStatus: async () => undefined }
  const read = async () => {
    for await (const _ of onceVisible(virtualEnv(), broken, runtime, new AbortController().signal));
  }
  await expect(read()).rejects.toThrow('broken')
})
