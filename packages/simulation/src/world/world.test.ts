import { configMap } from '@skiff/api'
import { expect, test } from 'vitest'
import { createWorld } from './world.ts'

test('while time stands still, writes that get in each other’s way are seen through', async () => {
  const world = await createWorld({ seed: 1, shapes: [] })
  const target = { namespace: 'default', name: 'shared' }
  const startMs = world.env.monotonicMs()
  await world.stillClient.create(configMap, { metadata: target })
  const names = ['a', 'b', 'c', 'd']
  await Promise.all(names.map((name) => world.stillClient.patch(configMap, target, 'merge', { data: { [name]: name } })))
  expect(Object.keys((await world.stillClient.get(configMap, target)).data ?? {}).sort()).toEqual(names)
  expect(world.env.monotonicMs()).toBe(startMs)
  await world.stop()
})
