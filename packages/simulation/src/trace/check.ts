import { isRefusal } from '@skiff/machinery'
import type { World } from '../world/world.ts'
import type { Expectation } from './read-trace.ts'
import { resourceNamed } from './resources.ts'
import type { Timeline } from './timeline.ts'

const againMs = 1_000

/** Whether what is expected holds, now or within its time; tells it. */
export const check = async (world: World, timeline: Timeline, expected: Expectation): Promise<boolean> => {
  const untilMs = world.env.monotonicMs() + expected.withinMs
  for (;;) {
    const found = await look(world, expected)
    if (found === true || world.env.monotonicMs() >= untilMs) {
      timeline.line(found === true ? '✓' : '✗', `${expected.text}${found === true ? '' : ` (${found})`}`)
      return found === true
    }
    await world.live(Math.min(againMs, untilMs - world.env.monotonicMs()))
  }
}

/** True, or what there is instead. */
const look = async ({ api, client }: World, expected: Expectation): Promise<true | string> => {
  if ('count' in expected) {
    const resource = resourceNamed(api.registry.all(), expected.count)
    const { items } = await client.list(resource, expected.namespace === undefined ? {} : { namespace: expected.namespace })
    const { where } = expected
    const count = where ? items.filter((each) => where(each)?.[0] === true).length : items.length
    return count >= expected.least && count <= expected.most ? true : `there are ${count}`
  }
  const resource = resourceNamed(api.registry.all(), expected.of.kind)
  const { name, namespace } = expected.of
  try {
    const object = await client.get(resource, { name, ...(resource.namespaced ? { namespace } : {}) })
    const found = expected.that?.(object)
    return !expected.that || found?.[0] === true ? true : `it is ${JSON.stringify(found?.[0] ?? null)}`
  } catch (error) {
    if (isRefusal(error, 404)) return 'it is not there'
    throw error
  }
}
