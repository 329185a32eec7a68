import { cronJob, deployment, job, namespace, node, type Resource } from '@skiff/api'
import { isRefusal, type KubeObject } from '@skiff/machinery'
import { meanwhile } from '../world/world.ts'
import type { Scene, Stage } from './stage.ts'
import { troublesOf } from './troubles.ts'
import { usersOf } from './users.ts'

export const createTurmoil = (scene: Scene) => {
  const { world, dice, shapes, cuts, losses } = scene
  const { stillClient: client, simulation } = world
  const { pick, between, sometimes } = dice
  const one = <T>(items: readonly T[]): T | undefined => (items.length > 0 ? pick(items) : undefined)
  const names = shapes.flatMap(({ name, count }) => Array.from({ length: count }, (_, at) => `${name}-${at + 1}`))
  const stage: Stage = {
    ...scene,
    one,
    someNode: async () => one((await client.list(node)).items)?.metadata.name ?? '',
    revive: (name) => {
      losses.revived(name)
      simulation.setAlive(name, true)
    },
    rejoin: async () => {
      for (const shape of shapes) await meanwhile(simulation.fleet.join(shape), world.live)
    },
  }
  const [users, troubles] = [usersOf(stage), troublesOf(stage)]
  /** What users did to it; the rest of its taints is others' to take away. */
  const untaint = async (name: string): Promise<void> => {
    const { spec, metadata } = await client.get(node, { name })
    const taints = (spec.taints ?? []).filter(({ key }) => key !== 'team' && key !== 'node.kubernetes.io/unschedulable')
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { unschedulable: null, taints } }
    await client.patch(node, { name }, 'merge', patch).catch((error) => {
      if (!isRefusal(error, 409)) throw error
      return untaint(name)
    })
  }
  const mendNodes = async (): Promise<void> => {
    for (const name of names) stage.revive(name)
    for (let tries = 0; tries < 30 && (await client.list(node)).items.length < names.length; tries += 1) {
      await stage.rejoin().catch(() => {})
      await world.live(1_000)
    }
    for (const { metadata } of (await client.list(node)).items) await untaint(metadata.name)
  }
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
      for (const part of ['controllers', 'scheduler', 'nodes'] as const) cuts.mend(part)
      void world.controllers.start()
      void world.scheduler.start()
      const each = async <T extends KubeObject>(resource: Resource<T>, spec: object): Promise<void> => {
        for (const { metadata } of (await client.list(resource)).items)
          await client.patch(resource, metadata as never, 'merge', { spec }).catch(ignoreRefusal)
      }
      await mendNodes()
      await each(deployment, { paused: null })
      await each(job, { suspend: false })
      await each(cronJob, { suspend: true })
      await client.remove(namespace, { name: 'gone' }).catch(ignoreRefusal)
    },
  }
}

/** Something that was on its way out is gone by now. */
const ignoreRefusal = (error: unknown): void => {
  if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error
}
