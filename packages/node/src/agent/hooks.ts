import type { LifecycleHandler, Pod } from '@skiff/api'

export interface HookCall {
  readonly pod: Pod
  readonly containerName: string
  readonly containerId: string
  readonly hook: LifecycleHandler
  /** The pod's primary address where it is known better than from its status. */
  readonly podIp?: string
  readonly signal: AbortSignal
}

/** Runs a lifecycle hook to its end; throws an Error with upstream's text when it fails. */
export type RunHook = (call: HookCall) => Promise<void>
