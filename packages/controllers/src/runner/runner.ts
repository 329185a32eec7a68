import type { Resource } from '@skiff/api'
import { resourceKey } from '@skiff/api'
import type { Client, Views } from '@skiff/client'
import { createQueue, createRecorder } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { isRefusal } from '@skiff/machinery'
import { type Barrier, createBarrier, createDepartures } from './barrier.ts'
import type { Controller, Watched } from './controller.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { performAll } from './perform.ts'
import { isNamespaceTerminating, type Steps } from './step.ts'
import { createWork, type Work, type WorkOf } from './work-metrics.ts'

export interface RunnerOptions {
  /** Already speaks as the controller's account. */
  readonly client: Client
  readonly views: Views
  readonly env: Env
}

export interface RunningController {
  readonly name: string
  readonly metrics: Readonly<Metrics>
  /** The queue of its keys, and what is measured of the work on them. */
  readonly queue: WorkOf['queue']
  readonly work: Work
  /** Keys that wait or are in work; those that wait for a time do not count. */
  readonly busy: number
  stop(): Promise<void>
}

// How often a dynamic controller's kinds are looked over.
const rewatchMs = 5_000
const syncPatienceMs = 30_000
// As long as plans may run without giving way to the rest of the process.
const sliceMs = 5
const dearMs = 1
const maxRestMs = 1_000
// A timer of the runtime holds 24 days at most and fires at once beyond: who waits for longer is planned again on the way.
const maxWaitMs = 12 * 3_600_000

/**
 * Runs one controller: changes become keys, a key is planned by one flight at a time, and planned again only when the views show what
 * its last plan wrote. The wait is also taken when a step failed: with one create failing midway, planning on old views makes
 * objects twice.
 */
export const runController = (controller: Controller, { client, views, env }: RunnerOptions): RunningController => {
  const work = createWork()
  const queue = createQueue(env, { ...controller.backoff, waited: work.waits.observe })
  const metrics = createMetrics()
  const log = env.log.child(controller.name)
  const recorder = createRecorder(client, env, { component: controller.component })
  const departures = createDepartures(env)
  const stopping = new AbortController()
  const stopped = aborted(stopping.signal).then(() => true)
  /** Ends of waits that stopping cuts short. A race with `stopped` would keep each of them for as long as the controller runs. */
  const cuts = new Set<() => void>()
  const orStopped = (waiting: Promise<boolean>): Promise<boolean> =>
    new Promise((resolve, reject) => {
      if (stopping.signal.aborted) return resolve(true)
      const cut = () => resolve(true)
      cuts.add(cut)
      waiting.then(resolve, reject).finally(() => cuts.delete(cut))
    })
  const watched = new Map<string, () => void>()
  const isWatched = (resource: Resource) => watched.has(resourceKey(resource))
  /** Barriers that could not be passed: the next plan of the key tries them again first. */
  const unpassed = new Map<string, Barrier>()

  const watch = ({ resource, keys, indexes }: Watched): Promise<void> => {
    const view = views.view(resource)
    for (const [name, values] of Object.entries(indexes ?? {})) view.addIndex(name, values)
    const stop = view.subscribe((change) => {
      const concerned = keys(change, views, env.now())
      for (let at = 0; at < concerned.length; at++) queue.add(concerned[at] as string)
    })
    const before = watched.get(resourceKey(resource))
    watched.set(resourceKey(resource), () => {
      before?.()
      stop()
    })
    return view.synced
  }
  const rewatch = (): Promise<void>[] => {
    const wanted = controller.watches() as unknown as readonly Watched[]
    const ids = new Set(wanted.map(({ resource }) => resourceKey(resource)))
    for (const [id, stop] of watched)
      if (!ids.has(id)) {
        stop()
        watched.delete(id)
      }
    const known = new Set(watched.keys())
    return wanted.filter(({ resource }) => !known.has(resourceKey(resource))).map(watch)
  }

  const perform = async (key: string, steps: Steps, barrier: Barrier): Promise<void> => {
    if (steps.length === 0) return
    const requeue = (afterMs: number) => queue.addAfter(key, Math.min(afterMs, maxWaitMs))
    await performAll(steps, { client, recorder, barrier, metrics, requeue, signal: stopping.signal })
  }
  const failed = (key: string, error: unknown): void => {
    if (stopping.signal.aborted) return
    if (isNamespaceTerminating(error)) {
      queue.forget(key)
      return
    }
    const isConflict = isRefusal(error, 409)
    if (isConflict) metrics.conflicts += 1
    else metrics.failures += 1
    const waitMs = queue.retry(key)
    log[isConflict ? 'debug' : 'warn']('a plan failed, it is made again', { key, waitMs, error: String(error) })
  }
  /** Returns how long the key should rest: a plan that is dear (a set of thousands of pods) is not made anew for every single change. */
  const handle = async (key: string): Promise<number> => {
    let restMs = 0
    const barrier = unpassed.get(key) ?? createBarrier(views, departures, isWatched)
    let passed = false
    try {
      if (unpassed.has(key) && !(await barrier.passed())) throw new Error('the views could not be listed afresh')
      metrics.plans += 1
      const startMs = env.monotonicMs()
      const steps = controller.plan(key, views, env.now())
      const tookMs = env.monotonicMs() - startMs
      if (tookMs > dearMs) restMs = Math.min(maxRestMs, tookMs * 4)
      await perform(key, steps, barrier)
      queue.forget(key)
    } catch (error) {
      failed(key, error)
    } finally {
      passed = await orStopped(barrier.passed())
    }
    if (passed) unpassed.delete(key)
    else {
      metrics.doubts += 1
      unpassed.set(key, barrier)
      queue.retry(key)
    }
    return restMs
  }
  let sliceStartMs = env.monotonicMs()
  const takeKeys = async (): Promise<void> => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      if (env.monotonicMs() - sliceStartMs > sliceMs) {
        await env.sleep(0)
        sliceStartMs = env.monotonicMs()
      }
      const startMs = env.monotonicMs()
      work.sinceMs.set(key, startMs)
      const restMs = await handle(key)
      work.sinceMs.delete(key)
      work.works.observe((env.monotonicMs() - startMs) / 1000)
      if (restMs > 0) env.after(restMs, () => queue.done(key))
      else queue.done(key)
    }
  }
  const run = async (): Promise<void> => {
    // Of kinds that come and go, one that cannot be listed must not hold up all others for ever.
    const patience = controller.dynamic ? [env.sleep(syncPatienceMs, stopping.signal)] : []
    await Promise.race([Promise.all(rewatch()), stopped, ...patience])
    if (stopping.signal.aborted) return
    for (const key of controller.initial ?? []) queue.add(key)
    const workers = Array.from({ length: controller.concurrency ?? 10 }, takeKeys)
    while (controller.dynamic && !stopping.signal.aborted) {
      await env.sleep(rewatchMs, stopping.signal)
      if (!stopping.signal.aborted) void Promise.all(rewatch())
    }
    await Promise.all(workers)
  }
  const running = run()

  return {
    name: controller.name,
    metrics,
    queue,
    work,
    get busy() {
      return queue.size + queue.inFlight
    },
    stop: async () => {
      stopping.abort()
      for (const cut of cuts) cut()
      queue.close()
      for (const [, stop] of watched) stop()
      departures.close()
      await running
      await recorder.close()
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
