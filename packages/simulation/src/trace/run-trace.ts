import { node } from '@skiff/api'
import { createViews } from '@skiff/client'
import { durationTextMs } from '@skiff/machinery'
import { usualShape } from '../nodes/shape.ts'
import { createWorld, type World } from '../world/world.ts'
import { check } from './check.ts'
import { observe } from './observe.ts'
import { perform } from './perform.ts'
import type { Trace } from './read-trace.ts'
import { createTally, type Tally } from './tally.ts'
import { createTimeline, type Print } from './timeline.ts'

export interface TraceOptions {
  readonly trace: Trace
  /** Equal seeds give equal lines. */
  readonly seed: number
  readonly print: Print
}

export interface TraceResult {
  readonly held: number
  readonly failed: number
}

/** Replays a trace on a cluster of its own, in a time of its own, and prints what happens. */
export const runTrace = async ({ trace, seed, print }: TraceOptions): Promise<TraceResult> => {
  const shapes = trace.nodes > 0 ? [usualShape(trace.nodes)] : []
  const world = await createWorld({ seed, shapes, file: trace.simulation })
  const views = createViews(world.client, world.env)
  try {
    const beganMs = world.env.monotonicMs()
    const sinceMs = (): number => world.env.monotonicMs() - beganMs
    const timeline = createTimeline(sinceMs, print)
    const tally = createTally()
    print(`trace ${trace.name}, seed ${seed}`)
    await observe(views, timeline, tally, world.env.monotonicMs)
    const result = { held: 0, failed: 0 }
    for (const { atMs, acts } of trace.steps) {
      if (atMs > sinceMs()) await world.live(atMs - sinceMs())
      for (const act of acts) {
        if (act.do !== 'expect') await perform(world, timeline, act)
        else for (const each of act.expectations) result[(await check(world, timeline, each)) ? 'held' : 'failed'] += 1
      }
    }
    if (trace.untilMs > sinceMs()) await world.live(trace.untilMs - sinceMs())
    timeline.flush()
    await summarise(world, tally, sinceMs(), result, print)
    return result
  } finally {
    await views.close()
    await world.stop()
  }
}

const summarise = async (world: World, tally: Tally, ms: number, { held, failed }: TraceResult, print: Print): Promise<void> => {
  const { items } = await world.client.list(node)
  const isReady = ({ status }: (typeof items)[number]) =>
    status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  const [pods = '', ...waits] = tally.lines()
  print('')
  print(`after ${durationTextMs(ms)}`)
  print(`  nodes         ${items.length}, of which ${items.filter(isReady).length} ready`)
  print(`  pods          ${pods}`)
  for (const line of waits) print(`                ${line}`)
  print(`  expectations  ${held} of ${held + failed} hold`)
}
