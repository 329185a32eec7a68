import type { BackOff } from './back-off.ts'
import type { SeenContainer } from './seen.ts'

export type ContainerKind = 'ephemeral' | 'init' | 'sidecar' | 'main'
export type KillCause = 'ending' | 'liveness' | 'startup' | 'changed' | 'unknown' | 'sandbox'

/** Runs the preStop hook and then stops the container, both within `graceSeconds`. */
export interface KillStep {
  readonly do: 'kill'
  readonly container: SeenContainer
  readonly cause: KillCause
  /** Of the event. */
  readonly message: string
  readonly graceSeconds: number
  /** Kills run together; one with a higher turn is stopped only once those of lower turns have ended. */
  readonly turn: number
}

export interface StartStep {
  readonly do: 'start'
  readonly kind: ContainerKind
  readonly name: string
  readonly restartCount: number
  /** To remember for this container's next failure. */
  readonly backOff?: BackOff
}

/** The container waits in CrashLoopBackOff. */
export interface HoldStep {
  readonly do: 'hold'
  readonly kind: ContainerKind
  readonly name: string
  readonly message: string
  readonly untilMs: number
}

/**
 * What brings a pod nearer to its spec, in order; neighbouring kills run together. A plan is never long: what follows from the
 * outcome of its steps is left to the next plan.
 */
export type Step =
  | { readonly do: 'createSandbox'; readonly attempt: number; readonly replaces: boolean }
  | { readonly do: 'stopSandbox'; readonly sandboxId: string }
  | KillStep
  | StartStep
  | HoldStep
  | { readonly do: 'remove'; readonly container: SeenContainer }
  | { readonly do: 'removeSandbox'; readonly sandboxId: string }
  /** The pod ends as Failed. */
  | { readonly do: 'fail'; readonly reason: string; readonly message: string }
  /** Look again then. */
  | { readonly do: 'wake'; readonly atMs: number }
  /** Nothing of it runs any more: free its volumes and directories; delete the object when it is marked so. */
  | { readonly do: 'finish' }
