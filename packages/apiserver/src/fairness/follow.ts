import type { FlowSchema, PriorityLevelConfiguration } from '@skiff/api'
import { type Client, connect, type Handler, type Identity } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf } from '../registry/tree.ts'
import { writeDangling } from './dangling.ts'
import type { Flows } from './flows.ts'
import { maintainObjects } from './maintain.ts'

/** How often the objects are looked after, where nothing changes. */
const everyMs = 60_000

export interface FollowOptions {
  readonly flows: Flows
  readonly schemas: Cache
  readonly levels: Cache
  readonly handler: Handler
  readonly identity: Identity
  readonly env: Env
}

/** Makes the objects of fairness, keeps them, and keeps `flows` as they are. Resolves when they are there. */
export const followFairness = async (options: FollowOptions): Promise<{ stop(): void }> => {
  const { env, flows, handler, identity } = options
  const producer = connect(handler, identity, 'api-priority-and-fairness-config-producer-v1')
  const consumer: Client = connect(handler, identity, 'api-priority-and-fairness-config-consumer-v1')
  let stopped = false
  const all = <T>(cache: Cache): T[] => [...entriesOf(cache.tree, '')].map(({ object }) => object as unknown as T)
  const configure = (): void => flows.configure(all<FlowSchema>(options.schemas), all<PriorityLevelConfiguration>(options.levels))

  let running = false
  let again = false
  /** One round of conditions at a time; a change that comes meanwhile asks for another. */
  const mark = async (): Promise<void> => {
    if (running) {
      again = true
      return
    }
    running = true
    do {
      again = false
      const names = new Set(all<PriorityLevelConfiguration>(options.levels).map(({ metadata }) => metadata.name))
      await attempt(() => writeDangling(consumer, all<FlowSchema>(options.schemas), (name) => names.has(name), env.now()))
    } while (again && !stopped)
    running = false
  }
  const attempt = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act()
    } catch (error) {
      if (!stopped) env.log.warn('the objects of priority and fairness could not be kept', { error: String(error) })
    }
  }
  configure()
  await attempt(() => maintainObjects(producer))
  configure()
  await mark()
  const changed = () => {
    configure()
    void mark()
  }
  for (const cache of [options.schemas, options.levels]) cache.listeners.add(changed)
  let cancel = () => {}
  const later = () => {
    cancel = env.after(everyMs, () => {
      void attempt(() => maintainObjects(producer))
      later()
    })
  }
  later()
  return {
    stop: () => {
      stopped = true
      cancel()
      for (const cache of [options.schemas, options.levels]) cache.listeners.delete(changed)
    },
  }
}
