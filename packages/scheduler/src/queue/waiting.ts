import type { PodInfo } from '../snapshot/pod-info.ts'

/** A pod in the active queue, as QueueSort compares it. */
export interface Waiting {
  readonly pod: PodInfo
  /** When it entered the queue, or last failed, on the clock of `Env.monotonicMs`. */
  readonly sinceMs: number
  /** Settles equal instants: who came first has the lower one. */
  readonly sequence: number
}
