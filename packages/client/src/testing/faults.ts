import { conflict, type Env, expired, seededRandom } from '@skiff/machinery'
import type { Call, Frame, Handler } from '../call.ts'

/** How often each fault strikes, from 0 to 1. Absent: never. */
export interface FaultRates {
  /** A call that never arrives. */
  readonly lostCall?: number
  /** A call that is carried out, but whose reply is lost: its outcome is unknown to the caller. */
  readonly lostReply?: number
  /** A write that is refused as a conflict though nothing changed. */
  readonly conflict?: number
  /** A call or a batch of watch frames that takes up to `maxDelayMs`: watches fall behind each other. */
  readonly delay?: number
  readonly maxDelayMs?: number
  /** A batch that is delivered twice. */
  readonly repeat?: number
  /** A watch that ends before a batch, so that the batch must be asked for again. */
  readonly cutWatch?: number
  /** A watch that ends as too old, so that its holder must list again. */
  readonly expiredWatch?: number
}

/** Faults that may be switched off again, so that a test can wait for the end state. */
export interface Faulty {
  readonly handler: Handler
  stop(): void
}

/**
 * What a network and a restarting server do to calls, drawn from `seed`. Every fault keeps to the protocol: one watch is never out of
 * order in itself, but different watches and calls overtake each other.
 */
export const withFaults = (handler: Handler, env: Env, seed: number, rates: FaultRates): Faulty => {
  const random = seededRandom(seed)
  let active = true
  const strikes = (rate: number | undefined): boolean => active && rate !== undefined && random() < rate
  const delay = async (): Promise<void> => {
    if (strikes(rates.delay)) await env.sleep(random() * (rates.maxDelayMs ?? 100))
  }
  const lost = (what: string) => new Error(`connection reset by peer (${what})`)
  async function* disturbed(watch: AsyncIterable<readonly Frame[]>) {
    for await (const frames of watch) {
      await delay()
      if (strikes(rates.cutWatch)) return
      if (strikes(rates.expiredWatch)) throw expired('too old resource version')
      yield frames
      if (strikes(rates.repeat)) yield frames
    }
  }
  const isWrite = ({ verb }: Call) => verb !== 'get' && verb !== 'list' && verb !== 'watch'
  return {
    stop: () => {
      active = false
    },
    handler: async (call) => {
      await delay()
      if (strikes(rates.lostCall)) throw lost('call')
      if ((call.verb === 'update' || call.verb === 'delete') && strikes(rates.conflict)) throw conflict(call, call.name ?? '', 'injected')
      const reply = await handler(call)
      if ('watch' in reply) return { watch: disturbed(reply.watch) }
      await delay()
      if (isWrite(call) && strikes(rates.lostReply)) throw lost('reply')
      return reply
    },
  }
}
