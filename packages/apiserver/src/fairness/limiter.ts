import type { Identity } from '@skiff/client'
import type { FlowRequest } from './flow-rules.ts'
import type { Level } from './level.ts'

/** Where a request belongs: the schema that it matches first, and that schema's level. */
export interface Flow {
  readonly schema: { readonly name: string; readonly uid: string }
  readonly level: Level
  /** What tells flows of one schema apart. */
  readonly by: 'ByUser' | 'ByNamespace' | undefined
  /** How many of its requests were let in. */
  served: number
}

/** The right to be served. It must be given back. */
export interface Ticket {
  /** Absent where only requests in flight are counted. */
  readonly flow: Flow | undefined
  readonly seats: number
  readonly mutating: boolean
}

/** A request that is not served now. */
export interface Refused {
  readonly flow: Flow | undefined
  readonly retryAfterSeconds: number
}

export type RefusedWhy = 'queue-full' | 'concurrency-limit' | 'time-out'

/** Calls `act` when the client goes away; the function given back takes that back. */
export type WhenGone = (act: () => void) => () => void

/** Decides which requests are served at a time. */
export interface Limiter {
  /** A ticket, a promise of one where the request has to wait, or a refusal. `width` is how many seats it takes. */
  enter(identity: Identity, request: FlowRequest, width: number, whenGone?: WhenGone): Ticket | Refused | Promise<Ticket | Refused>
  leave(ticket: Ticket): void
  /** How many requests are served now. */
  readonly executing: { readonly mutating: number; readonly readOnly: number }
}

export const isRefused = (answer: Ticket | Refused): answer is Refused => 'retryAfterSeconds' in answer

export const isMutating = (verb: string): boolean => verb !== 'get' && verb !== 'list' && verb !== 'watch'
