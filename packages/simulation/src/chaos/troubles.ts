import { node } from '@skiff/api'
import type { Part } from '../world/world.ts'
import type { Act, Stage } from './stage.ts'

const minuteMs = 60_000
const parts: readonly Part[] = ['controllers', 'scheduler', 'nodes']

/** What goes wrong. What is told of it says how far behind its victims may be. */
export const troublesOf = (stage: Stage): readonly Act[] => {
  const { world, calm, cuts, issued, losses, rejoin } = stage
  const { pick, between, sometimes } = stage.dice
  const { stillClient: client, env } = world
  const later = (part: Part, ms: number, act: () => unknown): void => {
    calm.trouble(part, env.monotonicMs() + ms)
    env.after(ms, () => void act())
  }
  const cutWatches = (part: Part): void => {
    calm.trouble(part)
    if (part === 'nodes') world.nodesLink.cut()
    else world[part].cut()
  }
  const jump = (ms: number): void => {
    calm.jumps(ms)
    world.jumpClock(ms)
  }
  const awayMs = () => between(1, 10) * (sometimes(0.5) ? 5_000 : minuteMs)
  const tainted = async (name: string, effect: string) => {
    const { spec, metadata } = await client.get(node, { name })
    const taints = [...(spec.taints ?? []), { key: 'team', value: 'red', effect }]
    await client.patch(node, { name }, 'merge', { metadata: { resourceVersion: metadata.resourceVersion }, spec: { taints } })
  }
  return [
    () => {
      const who = pick(['controllers', 'controllers', 'scheduler'] as const)
      world[who].crash()
      if (who === 'scheduler') issued.restarted()
      later(who, between(1, 60) * 1_000, () => world[who].start())
    },
    () => {
      for (const part of ['controllers', 'scheduler'] as const) if (sometimes(0.6)) cutWatches(part)
      cutWatches('nodes')
    },
    () => {
      const part = pick(parts)
      cuts.cut(part, sometimes(0.5))
      cutWatches(part)
      later(part, between(1, 60) * 1_000, () => cuts.mend(part))
    },
    async () => {
      const downMs = between(1, 30) * 1_000
      calm.trouble('api', env.monotonicMs() + downMs)
      world.crashApi()
      await world.live(downMs)
      await world.startApi()
    },
    () => jump(awayMs()),
    () => jump(-awayMs()),
    () => world.skewNodes(between(-5, 5) * 10_000),
    async () => {
      const name = await stage.someNode()
      losses.died(name)
      world.simulation.setAlive(name, false)
      env.after(between(5, 480) * 1_000, () => stage.revive(name))
      if (sometimes(0.5)) await world.live(between(30, 180) * 1_000)
    },
    async () => {
      await client.remove(node, { name: await stage.someNode() })
      if (sometimes(0.5)) await world.live(between(10, 120) * 1_000)
      await rejoin()
    },
    async () => {
      await client.patch(node, { name: await stage.someNode() }, 'merge', { spec: { unschedulable: sometimes(0.6) ? true : null } })
    },
    async () => tainted(await stage.someNode(), pick(['NoSchedule', 'NoExecute', 'PreferNoSchedule'])),
  ]
}
