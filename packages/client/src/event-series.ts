import type { Event, ObjectReference } from '@skiff/api'
import { event as events } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { isRefusal, rfc3339Micro } from '@skiff/machinery'
import type { Client } from './client.ts'
import { createEventBacklog, createEventNames } from './event-backlog.ts'
import { type EventRecorder, referenceTo } from './events.ts'
import { createRecent } from './recent.ts'

/** Who speaks: the controller as users see it, and which process of it. */
export interface Reporter {
  readonly controller: string
  readonly instance: string
}

// As upstream: a series ends when it was silent for so long; one that goes on is written again after so long.
const silenceMs = 360_000
const refreshMs = 1_800_000

interface Told {
  name: string
  readonly namespace: string
  readonly content: Omit<Event, 'metadata' | 'apiVersion' | 'kind'>
  /** What was seen since the first time; 1 is no series. */
  count: number
  lastMs: number
  writtenMs: number
}

/**
 * Writes events of the events.k8s.io kind, as upstream's scheduler does: what happens again to the same version of an object becomes a
 * series, which is written when it begins, when it ends, and now and then between.
 */
export const createSeriesRecorder = (client: Client, env: Env, { controller, instance }: Reporter): EventRecorder => {
  const backlog = createEventBacklog(env)
  const nameFor = createEventNames(env)
  const told = createRecent<Told>()
  let isTicking = false

  const create = async (one: Told): Promise<void> => {
    one.name = nameFor(one.content.involvedObject.name, env.now())
    await client.create(events, { metadata: { name: one.name, namespace: one.namespace }, ...one.content })
  }
  const writeSeries = async (one: Told): Promise<void> => {
    one.writtenMs = env.now()
    const series = { count: one.count, lastObservedTime: rfc3339Micro(one.lastMs) }
    const target = { namespace: one.namespace, name: one.name }
    try {
      await client.patch(events, target, 'strategic', { series })
    } catch (error) {
      // Expired on the server while it went on.
      if (!isRefusal(error, 404)) throw error
      await create(one)
    }
  }
  const sweep = (): void => {
    const nowMs = env.now()
    for (const [key, one] of [...told.all()]) {
      const isOver = one.lastMs + silenceMs <= nowMs
      if (one.count > 1 && (isOver || one.writtenMs + refreshMs <= nowMs)) backlog.add('series', () => () => writeSeries(one))
      if (isOver) told.delete(key)
    }
  }
  const tick = async (): Promise<void> => {
    isTicking = true
    while (!backlog.signal.aborted && told.size() > 0) {
      await env.sleep(silenceMs, backlog.signal).catch(() => {})
      if (!backlog.signal.aborted) sweep()
    }
    isTicking = false
  }
  return {
    event: (about, type, reason, message, more = { action: reason }) => {
      const nowMs = env.now()
      const involvedObject: ObjectReference = 'metadata' in about ? referenceTo(about) : about
      const related = more.related ? referenceTo(more.related) : undefined
      const key = JSON.stringify([type, reason, more.action, involvedObject, related])
      const before = told.get(key)
      if (before) {
        before.count += 1
        before.lastMs = nowMs
        if (before.count === 2) backlog.add(reason, () => () => writeSeries(before))
        return
      }
      const content = {
        involvedObject,
        ...(related ? { related } : {}),
        type,
        reason,
        action: more.action,
        message,
        eventTime: rfc3339Micro(nowMs),
        reportingComponent: controller,
        reportingInstance: instance,
      }
      const namespace = involvedObject.namespace || 'default'
      const one: Told = { name: '', namespace, content, count: 1, lastMs: nowMs, writtenMs: nowMs }
      told.set(key, one)
      backlog.add(reason, () => () => create(one))
      if (!isTicking) void tick()
    },
    flushed: backlog.flushed,
    close: backlog.close,
  }
}
