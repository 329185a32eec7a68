import type { RunHook } from '../../agent/hooks.ts'
import type { RunProbe } from '../../probes/probe-result.ts'
import type { Runtime } from '../runtime.ts'
import type { SimulatedRuntime } from './runtime.ts'

export const isSimulated = (runtime: Runtime): runtime is SimulatedRuntime => 'isReady' in runtime

/** Probes of simulated containers succeed while they run, from the time on that their pod says. */
export const simulatedProbes =
  (runtime: SimulatedRuntime): RunProbe =>
  async (_probe, { containerId }) =>
    runtime.isReady(containerId) ? { result: 'success', output: '' } : { result: 'failure', output: 'simulated: not ready' }

/** Hooks of simulated containers do nothing, but for those that sleep. */
export const simulatedHooks =
  (sleep: (ms: number, signal?: AbortSignal) => Promise<void>): RunHook =>
  async ({ hook, signal }) => {
    if (hook.sleep) await sleep(hook.sleep.seconds * 1000, signal)
  }
