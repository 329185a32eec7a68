import { withFaults } from '@skiff/client'
import { type Dice, seededDice } from '@skiff/machinery'
import type { NodeShape } from '../nodes/shape.ts'
import { createWorld, meanwhile } from '../world/world.ts'
import { fastNodes } from './constraints.ts'
import { createCuts } from './cuts.ts'
import { desiredState } from './desired-state.ts'
import { createTurmoil } from './turmoil.ts'
import { createCalm } from './watch/calm.ts'
import { createIssued } from './watch/placements.ts'
import { type Counts, type Watch, watchOver } from './watch-over.ts'
import { seededWorkloads } from './workloads.ts'

export interface ChaosResult {
  readonly wrong: readonly string[]
  readonly counts: Counts
  /** The end, as text: equal for equal seeds. */
  readonly digest: string
  /** From the last trouble until all was as desired. */
  readonly calmMs: number
}

const rates = {
  lostCall: 0.02,
  lostReply: 0.02,
  conflict: 0.02,
  delay: 0.1,
  maxDelayMs: 1_500,
  repeat: 0.02,
  cutWatch: 0.01,
  expiredWatch: 0.005,
}
const patienceMs = 10 * 60_000
const lookMs = 20_000

const shapesOf = (dice: Dice): readonly NodeShape[] => {
  const common = { capacity: { cpu: '6', memory: '64Gi', pods: '110' }, zones: ['a', 'b'] }
  return [
    { name: 'node', count: dice.between(2, 5), ...common },
    { name: 'fast', count: dice.between(1, 2), ...common, ...fastNodes },
  ]
}

/** A whole cluster under load and in trouble, then left alone: whatever is not as desired in the end is told. */
export const chaosRun = async (seed: number): Promise<ChaosResult> => {
  const dice = seededDice(seed)
  const isFaulty = dice.sometimes(0.7)
  const stops: (() => void)[] = []
  let isTroubled = false
  const shapes = shapesOf(dice)
  const issued = createIssued()
  let watched: Watch | undefined
  const cuts = createCuts()
  const world = await createWorld({
    seed,
    shapes,
    disturb: (part, handler, env) => {
      const faulty = withFaults(handler, env, dice.between(1, 1_000_000), rates)
      stops.push(faulty.stop)
      const way = cuts.guard(part, (call) => (isTroubled ? faulty.handler : handler)(call))
      return (call) => {
        if (part === 'scheduler') issued.see(call)
        if (part === 'controllers') watched?.see(call)
        return way(call)
      }
    },
  })
  try {
    await world.live(15_000)
    for (const { resource, object } of seededWorkloads(dice, shapes[0]?.count ?? 0))
      await world.stillClient.create(resource, object as never)
    const calm = createCalm(world.env)
    watched = await watchOver(world, calm, issued)
    const turmoil = createTurmoil({ world, dice, shapes, cuts, calm, issued, losses: watched.losses })
    isTroubled = isFaulty
    for (let steps = dice.between(6, 14); steps > 0; steps -= 1) await turmoil.step()
    for (const stop of stops) stop()
    await turmoil.calm()
    const calmSinceMs = world.env.monotonicMs()
    let wrong = ['nobody looked']
    const sinceMs = () => world.env.monotonicMs() - calmSinceMs
    while (wrong.length > 0 && watched.wrong.length === 0 && sinceMs() < patienceMs) {
      await world.live(lookMs)
      wrong = await desiredState(world.stillClient)
    }
    const calmMs = sinceMs()
    const [digest, counts] = [watched.digest(), watched.counts()]
    await meanwhile(watched.stop(), world.live)
    return { wrong: [...watched.wrong, ...wrong].map((text) => `seed ${seed}: ${text}`), counts, digest, calmMs }
  } finally {
    await world.stop()
  }
}
