import type { Pod } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { leastGraceSeconds, specContainers } from '../pods/plan-kill.ts'
import type { KillStep } from '../pods/steps.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import type { RunHook } from './hooks.ts'
import type { PodEvents } from './pod-events.ts'

/** Ends containers. A kill goes on when nobody waits for it any more; asking again joins it, and a shorter grace hurries it. */
export interface Killer {
  /** Resolves when the container has ended. `turn`: what has to end before it. */
  kill(pod: Pod, step: KillStep, turn: Promise<unknown>): Promise<void>
}

interface Killing {
  deadlineMs: number
  readonly hurry: AbortController
  readonly done: Promise<void>
}

export const createKiller = (runtime: Runtime, env: Env, runHook: RunHook, events: PodEvents): Killer => {
  const killings = new Map<string, Killing>()
  /** Waits for `what` until the deadline, which may move nearer meanwhile. */
  const within = async (killing: Killing, what: Promise<unknown>): Promise<void> => {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, killing.hurry.signal])
    await Promise.race([what, env.sleep(Math.max(0, killing.deadlineMs - env.monotonicMs()), signal)])
    stop.abort()
  }
  const run = async (pod: Pod, step: KillStep, turn: Promise<unknown>, killing: Killing): Promise<void> => {
    const { id, name } = step.container
    const preStop = specContainers(pod).find((container) => container.name === name)?.lifecycle?.preStop
    if (preStop && step.container.state === 'running') {
      const hook = runHook({ pod, containerName: name, containerId: id, hook: preStop, signal: killing.hurry.signal }).catch(() => {
        if (!killing.hurry.signal.aborted) events.container(pod, name, 'Warning', 'FailedPreStopHook', 'PreStopHook failed')
      })
      await within(killing, hook)
    }
    if (step.turn > 0) await within(killing, turn)
    const leftSeconds = Math.ceil((killing.deadlineMs - env.monotonicMs()) / 1000)
    await runtime.stopContainer(id, Math.max(leftSeconds, leastGraceSeconds))
  }
  return {
    kill: (pod, step, turn) => {
      const { id } = step.container
      const deadlineMs = env.monotonicMs() + step.graceSeconds * 1000
      const current = killings.get(id)
      if (current) {
        if (deadlineMs + 1000 > current.deadlineMs) return current.done
        current.deadlineMs = deadlineMs
        current.hurry.abort()
        // The runtime takes the shorter of two timeouts.
        return Promise.race([current.done, runtime.stopContainer(id, step.graceSeconds)])
      }
      events.container(pod, step.container.name, 'Normal', 'Killing', step.message)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const killing: Killing = { deadlineMs, hurry: new AbortController(), done: promise }
      killings.set(id, killing)
      run(pod, step, turn, killing)
        .finally(() => killings.delete(id))
        .then(resolve, reject)
      // Nobody may be waiting when it fails; the next look at the pod finds the container alive and kills again.
      promise.catch(() => {})
      return promise
    },
  }
}
