import { type Call, createViews } from '@skiff/client'
import { type Env, keyOf } from '@skiff/machinery'
import type { World } from '../world/world.ts'
import { isOver } from './cluster-state.ts'
import type { Calm } from './watch/calm.ts'
import { watchEvictions } from './watch/evictions.ts'
import { watchJobs } from './watch/jobs.ts'
import { watchLosses } from './watch/losses.ts'
import { watchOwners } from './watch/owners.ts'
import { type Issued, watchPlacements } from './watch/placements.ts'
import { createTruth, type Truth } from './watch/truth.ts'

/** How often there was something to judge: a run over nothing would be right as well. */
export interface Counts {
  readonly placements: number
  readonly drivenOff: number
  readonly evictions: number
}

/** What may at no time be, whatever goes wrong. */
export const watchOver = async (world: Pick<World, 'client' | 'env' | 'live'>, calm: Calm, issued: Issued) => {
  const { env } = world
  const views = createViews(world.client, impatient(env))
  const wrong: string[] = []
  const truth = createTruth(views, env, (why) => wrong.push(why))
  const parts = { truth, calm, env, wrong }
  const digest = digestOf(truth, env.monotonicMs)
  watchLives(truth, wrong)
  const placements = watchPlacements({ ...parts, issued })
  watchOwners(parts)
  watchJobs(parts)
  const losses = watchLosses(parts)
  const evictions = watchEvictions(parts)
  await Promise.race([truth.synced, world.live(5_000)])
  return {
    wrong,
    digest,
    losses,
    counts: (): Counts => ({ placements: placements.count, drivenOff: losses.evicted, evictions: evictions.count }),
    /** What the controllers ask for, as they ask for it. */
    see: (call: Call) => losses.see(call),
    stop: () => {
      losses.stop()
      return views.close()
    },
  }
}
export type Watch = Awaited<ReturnType<typeof watchOver>>

/** Who watches over the cluster is back at once when its API server is, or would miss what happens first. */
const impatient = (env: Env): Env => ({
  ...env,
  after: (ms, act) => env.after(Math.min(ms, impatienceMs), act),
  sleep: (ms, signal) => env.sleep(Math.min(ms, impatienceMs), signal),
})
const impatienceMs = 100

/** A pod that ended stays so, and the claims of StatefulSets stay. */
const watchLives = (truth: Truth, wrong: string[]): void => {
  const claimUids = new Map<string, string>()
  truth.on('pods', ({ before, after }) => {
    if (before && after && before.metadata.uid === after.metadata.uid && isOver(before) && !isOver(after))
      wrong.push(`${keyOf(after)} lives again`)
  })
  truth.on('claims', ({ after }) => {
    if (!after || after.metadata.namespace === 'gone') return
    const held = claimUids.get(keyOf(after))
    if (held !== undefined && held !== after.metadata.uid) wrong.push(`claim ${keyOf(after)} was made anew`)
    claimUids.set(keyOf(after), after.metadata.uid)
  })
}

/** All that happened to pods, and when, as text: equal for equal seeds. */
const digestOf = (truth: Truth, nowMs: () => number): (() => string) => {
  let count = 0
  let hash = 0
  truth.on('pods', ({ after }) => {
    count += 1
    const text = `${nowMs()} ${after ? `${keyOf(after)} ${after.metadata.resourceVersion} ${after.metadata.uid}` : 'gone'}`
    for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  })
  return () => `${count} ${hash}`
}
