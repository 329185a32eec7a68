import type { ObjectReference } from '@skiff/api'
import { event as events } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import { isRefusal, Refusal, rfc3339 } from '@skiff/machinery'
import type { Client } from './client.ts'
import { type Correlated, createCorrelator } from './correlate.ts'

export interface EventSource {
  /** As users see it in `kubectl describe`: kubelet, deployment-controller, default-scheduler. */
  readonly component: string
  /** The node's name, for components that run on one. */
  readonly host?: string
}

/** Writes core/v1 events in the background; an event never delays or fails what it speaks of. */
export interface EventRecorder {
  event(about: KubeObject | ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void
  /** Resolves when everything recorded so far is written or given up. */
  flushed(): Promise<void>
  close(): Promise<void>
}

// As upstream: 12 tries, 10 s apart, and at most 1,000 events waiting.
const maxTries = 12
const retryMs = 10_000
const maxWaiting = 1_000

export const referenceTo = (object: KubeObject): ObjectReference => ({
  kind: object.kind,
  ...(object.metadata.namespace !== undefined ? { namespace: object.metadata.namespace } : {}),
  name: object.metadata.name,
  uid: object.metadata.uid,
  apiVersion: object.apiVersion,
  resourceVersion: object.metadata.resourceVersion,
})

export const createRecorder = (client: Client, env: Env, source: EventSource): EventRecorder => {
  const correlator = createCorrelator()
  const closing = new AbortController()
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  let lastStampNs = 0n

  /**
   * `name.hex-nanoseconds`. The clock knows milliseconds only: chance fills in the rest, so that recorders of one instant differ, and
   * a nudge forward keeps the order of one recorder's own.
   */
  const nameFor = (about: ObjectReference, nowMs: number): string => {
    const nowNs = BigInt(Math.trunc(nowMs)) * 1_000_000n + BigInt(Math.floor(env.random() * 1_000_000))
    lastStampNs = nowNs > lastStampNs ? nowNs : lastStampNs + 1n
    return `${about.name ?? ''}.${lastStampNs.toString(16)}`
  }
  const create = async ({ happening, count, firstMs, key }: Correlated, nowMs: number): Promise<void> => {
    const name = nameFor(happening.involvedObject, nowMs)
    await client.create(events, {
      metadata: { name, namespace: happening.involvedObject.namespace || 'default' },
      ...happening,
      firstTimestamp: rfc3339(firstMs),
      lastTimestamp: rfc3339(nowMs),
      count,
    })
    correlator.remember(key, { name, count, firstMs })
  }
  const write = async (correlated: Correlated, nowMs: number): Promise<void> => {
    const { happening, count, firstMs, known, key } = correlated
    if (known === undefined) return create(correlated, nowMs)
    const namespace = happening.involvedObject.namespace || 'default'
    const patch = { count, lastTimestamp: rfc3339(nowMs), message: happening.message ?? '' }
    try {
      await client.patch(events, { namespace, name: known }, 'strategic', patch)
      correlator.remember(key, { name: known, count, firstMs })
    } catch (error) {
      // Expired on the server while we still counted it.
      if (!isRefusal(error, 404)) throw error
      correlator.forget(key)
      await create({ ...correlated, count: 1, firstMs: nowMs }, nowMs)
    }
  }
  const writeOrGiveUp = async (happening: Parameters<typeof correlator.correlate>[0], nowMs: number): Promise<void> => {
    // Correlated here and not when recorded: the ones before it are written by now, so their names are known.
    const correlated = correlator.correlate(happening, nowMs)
    if (!correlated) return
    for (let tries = 1; tries <= maxTries && !closing.signal.aborted; tries += 1)
      try {
        return await write(correlated, nowMs)
      } catch (error) {
        // Another recorder took the name; the next try draws another.
        if (isRefusal(error, 409) && error.reason === 'AlreadyExists') continue
        // A refusal stays one (a namespace that terminates, for one); anything else may be a server that restarts.
        if (error instanceof Refusal && error.code < 500 && error.code !== 429) {
          env.log.debug('event refused', { reason: happening.reason, error: error.message })
          return
        }
        await env.sleep(retryMs, closing.signal)
      }
  }
  return {
    event: (about, type, reason, message) => {
      if (waiting >= maxWaiting || closing.signal.aborted) return
      const nowMs = env.now()
      const happening = {
        involvedObject: 'metadata' in about ? referenceTo(about) : about,
        type,
        reason,
        message,
        source,
        reportingComponent: source.component,
        reportingInstance: source.host ?? '',
      }
      waiting += 1
      last = last.then(async () => {
        try {
          await writeOrGiveUp(happening, nowMs)
        } finally {
          waiting -= 1
        }
      })
    },
    flushed: () => last,
    close: () => {
      closing.abort()
      return last
    },
  }
}
