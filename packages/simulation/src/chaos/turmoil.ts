import { cronJob, daemonSet, deployment, job, namespace, node, type Pod, pod, type Resource, statefulSet } from '@skiff/api'
import { type Dice, isRefusal, type KubeObject } from '@skiff/machinery'
import type { World } from '../world/world.ts'
import { anotherJob } from './workloads.ts'

/** What may happen at one moment; whatever is refused, or does not arrive, has not happened. */
type Act = () => unknown

const minuteMs = 60_000

export const createTurmoil = (world: World, dice: Dice) => {
  const { client, env } = world
  const { pick, between, sometimes } = dice
  let made = 0
  const dead = new Set<string>()
  const inside = () => pick(['a', 'b'])
  const scalable = () => pick([deployment, deployment, statefulSet] as never[]) as typeof deployment
  const one = <T>(items: readonly T[]): T | undefined => (items.length > 0 ? pick(items) : undefined)
  const somePod = async (): Promise<Pod | undefined> => one((await client.list(pod, { namespace: inside() })).items)
  const someNode = async (): Promise<string> => one((await client.list(node)).items)?.metadata.name ?? ''
  const target = () => ({ namespace: inside(), name: pick(['web', 'web', 'api', 'db', 'agent']) })
  const later = (act: () => unknown): void => void env.after(between(1, 60) * 1_000, () => void act())

  /** Users: they scale, roll out, delete and come back. */
  const users: readonly Act[] = [
    () =>
      client.patch(scalable(), { namespace: inside(), name: pick(['web', 'api', 'db']) }, 'merge', { spec: { replicas: between(0, 7) } }),
    async () => {
      const image = `app:${between(1, 9)}`
      const patch = { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } }
      await client.patch(pick([deployment, statefulSet, daemonSet] as never[]) as typeof deployment, target(), 'strategic', patch)
    },
    () => client.patch(deployment, target(), 'merge', { spec: { paused: sometimes(0.5) } }),
    async () => {
      const found = await somePod()
      if (found) await client.remove(pod, found.metadata as never, sometimes(0.3) ? { gracePeriodSeconds: 0 } : undefined)
    },
    async () => {
      const found = await somePod()
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: found?.metadata }
      if (found) await client.create(pod, eviction as never, { ...found.metadata, subresource: 'eviction' } as never)
    },
    async () => {
      const found = await somePod()
      if (found) await client.patch(pod, found.metadata as never, 'merge', { metadata: { labels: { touched: `${made}` } } })
    },
    () => {
      made += 1
      const { resource, object } = anotherJob(`more-${made}`, inside(), dice)
      return client.create(resource, object as never)
    },
    () => client.patch(job, { namespace: inside(), name: 'work' }, 'merge', { spec: { suspend: sometimes(0.5) } }),
    () => client.remove(job, { namespace: inside(), name: 'work' }, { propagationPolicy: pick(['Background', 'Foreground']) }),
    () => client.patch(cronJob, { namespace: inside(), name: 'tick' }, 'merge', { spec: { suspend: sometimes(0.5) } }),
    () => client.remove(deployment, { namespace: inside(), name: 'api' }, { propagationPolicy: pick(['Background', 'Foreground']) }),
    () => client.remove(namespace, { name: 'gone' }),
  ]
  /** What goes wrong. */
  const troubles: readonly Act[] = [
    () => {
      const who = pick(['controllers', 'controllers', 'scheduler'] as const)
      world[who].crash()
      later(() => world[who].start())
    },
    () => {
      for (const part of ['controllers', 'scheduler'] as const) if (sometimes(0.6)) world[part].cut()
      world.nodesLink.cut()
    },
    async () => {
      world.crashApi()
      await world.live(between(1, 30) * 1_000)
      await world.startApi()
    },
    () => world.jumpClock(between(1, 10) * (sometimes(0.5) ? 5_000 : minuteMs)),
    () => world.skewNodes(between(-5, 5) * 10_000),
    async () => {
      const name = await someNode()
      dead.add(name)
      world.simulation.setAlive(name, false)
      void env.after(between(5, 480) * 1_000, () => world.simulation.setAlive(name, true))
    },
    async () => {
      await client.patch(node, { name: await someNode() }, 'merge', { spec: { unschedulable: sometimes(0.6) ? true : null } })
    },
  ]
  return {
    step: async (): Promise<void> => {
      const act = pick(sometimes(0.5) ? users : troubles)
      try {
        await act()
      } catch {
        // Refused, or not arrived.
      }
      await world.live(between(1, 20) * 1_000)
    },
    /** Everything that went wrong is mended. */
    calm: async (): Promise<void> => {
      world.skewNodes(0)
      for (const name of dead) world.simulation.setAlive(name, true)
      const each = async <T extends KubeObject>(resource: Resource<T>, spec: object): Promise<void> => {
        for (const { metadata } of (await client.list(resource)).items)
          await client.patch(resource, metadata as never, 'merge', { spec }).catch(ignoreRefusal)
      }
      await each(node, { unschedulable: null })
      await each(deployment, { paused: null })
      await each(job, { suspend: false })
      await each(cronJob, { suspend: true })
      void world.controllers.start()
      void world.scheduler.start()
      await client.remove(namespace, { name: 'gone' }).catch(ignoreRefusal)
    },
  }
}

/** Something that was on its way out is gone by now. */
const ignoreRefusal = (error: unknown): void => {
  if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error
}
