import type { Env } from '@skiff/machinery'
import { createEventHub } from '../event-hub.ts'
import { isRuntimeError, type Runtime, type RuntimeEvent } from '../runtime.ts'

type Look = Pick<Runtime, 'containerStatus' | 'podSandboxStatus'>

const firstWaitMs = 10
const longestWaitMs = 250
/** A shim that hangs is asked by containerd again and again for minutes; whoever wants to know later has to look. */
const limitMs = 60_000

/**
 * Hands events on, but the end of a container or sandbox only once CRI shows it. CRI's view lags behind: milliseconds on an idle
 * machine, seconds when many containers begin and end at once; and whoever looked too early would see the container run, and nothing
 * would tell them again. Each end waits for itself; other events pass it.
 */
export async function* onceVisible(
  env: Env,
  told: (signal: AbortSignal) => AsyncIterable<RuntimeEvent>,
  runtime: Look,
  signal: AbortSignal,
): AsyncIterable<RuntimeEvent> {
  const ended = new AbortController()
  const live = AbortSignal.any([signal, ended.signal])
  const hub = createEventHub()
  let failure: unknown
  const fail = (error: unknown): void => {
    failure ??= error
    ended.abort()
  }
  const read = async (): Promise<void> => {
    for await (const event of told(live)) {
      if (event.kind === 'stopped') void settled(env, runtime, event.containerId, live).then(() => hub.emit(event), fail)
      else hub.emit(event)
    }
  }
  const heard = hub.listen(live)
  void read().then(() => ended.abort(), fail)
  try {
    yield* heard
  } finally {
    ended.abort()
  }
  if (failure !== undefined && !signal.aborted) throw failure
}

/** Resolves once CRI shows neither a container nor a sandbox of this id that lives. */
const settled = async (env: Env, runtime: Look, id: string, signal: AbortSignal): Promise<void> => {
  const startedMs = env.monotonicMs()
  let waitMs = firstWaitMs
  while (!signal.aborted && env.monotonicMs() - startedMs < limitMs) {
    try {
      const container = await runtime.containerStatus(id, { signal })
      // A very short one can have ended before CRI has noted that it began.
      const lives = container && (container.state === 'running' || container.state === 'created')
      if (!(container ? lives : (await runtime.podSandboxStatus(id, { signal }))?.ready)) return
    } catch (error) {
      // The event itself remains true; whoever gets it asks again and sees this failure.
      if (isRuntimeError(error)) return
      throw error
    }
    await env.sleep(waitMs, signal)
    waitMs = Math.min(waitMs * 2, longestWaitMs)
  }
}
