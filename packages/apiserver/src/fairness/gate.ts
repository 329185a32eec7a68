import type { Identity } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { FlowRequest } from './flow-rules.ts'
import { type Level, queuesOf } from './level.ts'
import { type Flow, isMutating, type Limiter, type Refused, type RefusedWhy, type Ticket, type WhenGone } from './limiter.ts'
import type { Queue, Waiting } from './queues.ts'
import { createRetryAfter } from './retry-after.ts'
import { createTurns } from './turns.ts'

export interface GateOptions {
  readonly env: Env
  /** The most that a request waits in a queue. */
  readonly longestWaitMs: number
  readonly flowOf: (identity: Identity, request: FlowRequest) => Flow
  readonly levels: () => Iterable<Level>
  /** Hears of everybody who is refused, and why. */
  readonly onRefused?: (flow: Flow, why: RefusedWhy) => void
  /** Hears how long somebody waited who had to. */
  readonly onWaited?: (flow: Flow, seconds: number, served: boolean) => void
}

/**
 * Priority and fairness: a request takes seats of its level, and waits in a fair queue where there are none or where this turn of the
 * event loop has been long enough. Without either it costs a look at the identity's schemas and two counters.
 */
export const createGate = (options: GateOptions): Limiter => {
  const { env } = options
  const turns = createTurns(env)
  const retryAfter = createRetryAfter(env.now)
  let waiting = 0
  let pending = 0
  let last: { readonly level: Level; readonly queue: Queue; readonly atMs: number } | undefined

  const mayTake = (level: Level, seats: number): boolean => {
    const next = level.inUse + seats
    if (next <= level.seats.kept || level.inUse === 0) return true
    if (next > level.seats.most) return false
    // What levels lend is there for all, whoever lends and whoever takes.
    let lendable = level.seats.kept - next
    for (const each of options.levels()) {
      lendable += each.seats.nominal - each.seats.kept
      if (each !== level) lendable -= Math.max(0, each.inUse - each.seats.kept)
    }
    return lendable >= 0
  }
  const executing = { mutating: 0, readOnly: 0 }
  const admit = (flow: Flow, seats: number, verb: string): Ticket => {
    flow.level.inUse += seats
    flow.served++
    const mutating = isMutating(verb)
    if (mutating) executing.mutating++
    else executing.readOnly++
    return { flow, seats, mutating }
  }
  const refuse = (flow: Flow, why: RefusedWhy): Refused => {
    options.onRefused?.(flow, why)
    return { flow, retryAfterSeconds: retryAfter(flow.level.name) }
  }

  /** Who is served next: levels below their share come first, then those who have had least for their share. */
  const nextLevel = (): Level | undefined => {
    let best: Level | undefined
    let bestBelow = false
    for (const level of options.levels()) {
      const head = level.queues.length > 0 ? level.queues.peek() : undefined
      if (!head || !mayTake(level, head.seats)) continue
      const below = level.inUse < level.seats.nominal
      if (!best || (below && !bestBelow) || (below === bestBelow && level.served < best.served)) {
        best = level
        bestBelow = below
      }
    }
    return best
  }
  /** What the request before did until now is its queue's work; its continuations ran in between. */
  const settle = (): void => {
    if (!last) return
    const workMs = Math.min(Math.max(env.monotonicMs() - last.atMs, 0.02), 50)
    last.level.queues.charge(last.queue, workMs)
    last.level.served += workMs / Math.max(1, last.level.seats.nominal)
    last = undefined
  }
  const arm = (): void => {
    for (; pending < Math.min(waiting, 16); pending++) setImmediate(step)
  }
  const step = (): void => {
    pending--
    settle()
    if (waiting === 0) return
    if (turns.hasTime()) {
      const level = nextLevel()
      // Whoever gives a seat back goes on.
      if (!level) return
      const head = level.queues.peek() as Waiting
      last = { level, queue: head.queue, atMs: env.monotonicMs() }
      head.start()
    }
    if (pending === 0) arm()
  }

  const wait = (
    flow: Flow,
    identity: Identity,
    request: FlowRequest,
    seats: number,
    whenGone: WhenGone | undefined,
  ): Refused | Promise<Ticket | Refused> => {
    const { level, schema, by } = flow
    const distinguisher = by === 'ByUser' ? identity.name : by === 'ByNamespace' ? request.namespace : ''
    const queues = queuesOf(level)
    const queue = queues.choose(`${schema.name}/${distinguisher}`)
    if (!queue) return refuse(flow, 'queue-full')
    // A level that was idle has not saved up its time.
    if (queues.length === 0) level.served = Math.max(level.served, leastServed())
    const startMs = env.monotonicMs()
    return new Promise<Ticket | Refused>((resolve) => {
      const stop = (answer: () => Ticket | Refused): void => {
        queues.take(entry)
        waiting--
        cancel()
        stay?.()
        const answered = answer()
        options.onWaited?.(flow, (env.monotonicMs() - startMs) / 1000, 'seats' in answered)
        resolve(answered)
      }
      const entry: Waiting = {
        seats,
        queue,
        start: () => stop(() => admit(flow, seats, request.verb)),
      }
      const cancel = env.after(options.longestWaitMs, () => stop(() => refuse(flow, 'time-out')))
      const stay = whenGone?.(() => stop(() => ({ flow: undefined, retryAfterSeconds: 0 })))
      queues.put(queue, entry)
      waiting++
      arm()
    })
  }
  const leastServed = (): number => {
    let least = Number.POSITIVE_INFINITY
    for (const level of options.levels()) if (level.queues.length > 0) least = Math.min(least, level.served)
    return least === Number.POSITIVE_INFINITY ? 0 : least
  }

  return {
    enter: (identity, request, width, whenGone) => {
      const flow = options.flowOf(identity, request)
      const { level } = flow
      if (level.exempt) return admit(flow, 0, request.verb)
      // Upstream lets no request take more than 15 percent of its level.
      const seats = width === 1 ? 1 : Math.max(1, Math.min(width, Math.ceil(level.seats.nominal * 0.15)))
      const fits = mayTake(level, seats)
      if (fits && level.queues.length === 0 && turns.hasTime()) return admit(flow, seats, request.verb)
      return !fits && level.rejects ? refuse(flow, 'concurrency-limit') : wait(flow, identity, request, seats, whenGone)
    },
    executing,
    leave: ({ flow, seats, mutating }) => {
      if (mutating) executing.mutating--
      else executing.readOnly--
      if (!flow || seats === 0) return
      flow.level.inUse -= seats
      if (waiting > 0) arm()
    },
  }
}
