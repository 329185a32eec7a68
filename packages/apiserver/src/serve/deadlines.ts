import type { Query } from '@skiff/client'
import { badRequest, type Env, parseDurationMs, timeout } from '@skiff/machinery'
import { writeStatus } from './answer.ts'
import type { Incoming, Outgoing } from './messages.ts'

/** Upstream's --request-timeout. */
export const requestTimeoutMs = 60_000
/** How often requests are looked at: a deadline is met this much late. */
const everyMs = 250

/** A request that must be answered in time. */
export interface Deadline {
  readonly beganMs: number
  readonly atMs: number
  readonly incoming: Incoming
  readonly outgoing: Outgoing
}

export interface Deadlines {
  begin(incoming: Incoming, outgoing: Outgoing, query: Query): Deadline
  end(deadline: Deadline): void
  stop(): void
}

/**
 * Ends requests that take longer than they may: with 504 where nothing was said yet, by breaking them off where the answer is not taken.
 * One timer looks after all of them.
 */
export const createDeadlines = (env: Env): Deadlines => {
  const open = new Set<Deadline>()
  let cancel: (() => void) | undefined
  const look = (): void => {
    const nowMs = env.monotonicMs()
    for (const deadline of open) {
      if (deadline.atMs > nowMs) continue
      open.delete(deadline)
      expire(deadline)
    }
    cancel = open.size > 0 ? env.after(everyMs, look) : undefined
  }
  return {
    begin: (incoming, outgoing, query) => {
      const beganMs = env.monotonicMs()
      const deadline = { beganMs, atMs: beganMs + timeoutOf(query), incoming, outgoing }
      open.add(deadline)
      cancel ??= env.after(everyMs, look)
      return deadline
    },
    end: (deadline) => void open.delete(deadline),
    stop: () => cancel?.(),
  }
}

/** The query's timeout, where it asks for less than the server allows; 0 asks for nothing. */
const timeoutOf = ({ timeout: given }: Query): number => {
  if (given === undefined) return requestTimeoutMs
  const text = typeof given === 'string' ? given : (given[0] ?? '')
  if (text === '') return requestTimeoutMs
  try {
    const ms = parseDurationMs(text)
    return ms > 0 ? Math.min(ms, requestTimeoutMs) : requestTimeoutMs
  } catch (error) {
    throw badRequest(`invalid timeout specified in the request URL - ${(error as Error).message}`)
  }
}

const expire = ({ incoming, outgoing }: Deadline): void => {
  if (outgoing.headersSent) {
    breakOff(outgoing)
    return
  }
  // A body that never ends would keep the connection from its next request.
  if (incoming.httpVersionMajor === 1) outgoing.setHeader('connection', 'close')
  outgoing.on('finish', () => breakOff(outgoing))
  writeStatus(incoming, outgoing, timeout('request did not complete within the allotted timeout').status)
}

const breakOff = (outgoing: Outgoing): void => {
  const { stream } = outgoing as { stream?: { close(code?: number): void } }
  if (stream) stream.close(outgoing.writableFinished ? 0 : 8)
  else outgoing.destroy()
}
