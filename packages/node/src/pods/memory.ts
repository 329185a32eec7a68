import type { PodStatus } from '@skiff/api'
import type { BackOff } from './back-off.ts'

/** Why a container is waiting: its reason and message in pod status. */
export interface StartFailure {
  readonly reason: string
  readonly message: string
  /** It is not tried again before. */
  readonly retryAtMs?: number
}

export type ProbeResult = 'success' | 'failure'

/** The standing result of each probe of one container; absent: not decided yet. */
export interface ProbeResults {
  readonly startup?: ProbeResult
  readonly liveness?: ProbeResult
  readonly readiness?: ProbeResult
}

/** The node decided that this pod must end. */
export interface Ending {
  readonly reason: string
  readonly message: string
  /** Overrides the pod's own grace period. */
  readonly graceSeconds?: number
}

/** What the agent knows of a pod beside its object and the runtime: lost when the agent restarts, and then grown again. */
export interface PodMemory {
  /** By container name; an entry goes when that container starts. */
  readonly failures: ReadonlyMap<string, StartFailure>
  /** By container name. */
  readonly restarts: ReadonlyMap<string, BackOff>
  /** By container id. */
  readonly probes: ReadonlyMap<string, ProbeResults>
  /** While sandboxes fail: when the next may be tried, and the delay that led to it. */
  readonly sandboxRetry?: { readonly atMs: number; readonly delayMs: number }
  readonly ending?: Ending
  /** The object is gone from the server; what is left is to clean up. */
  readonly gone?: boolean
  /** The last status that was computed; absent until the first. */
  readonly status?: PodStatus
}

export const freshMemory: PodMemory = { failures: new Map(), restarts: new Map(), probes: new Map() }
