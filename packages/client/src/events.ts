import type { ObjectReference } from '@skiff/api'
import { event as events } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import { isRefusal, rfc3339 } from '@skiff/machinery'
import type { Client } from './client.ts'
import { type Correlated, createCorrelator } from './correlate.ts'
import { createEventBacklog, createEventNames } from './event-backlog.ts'

export interface EventSource {
  /** As users see it in `kubectl describe`: kubelet, deployment-controller, default-scheduler. */
  readonly component: string
  /** The node's name, for components that run on one. */
  readonly host?: string
}

/** What events of events.k8s.io say more. */
export interface EventDetails {
  /** What was done or tried: Binding, Scheduling, Preempting. */
  readonly action: string
  readonly related?: KubeObject
}

/** Writes events in the background; an event never delays or fails what it speaks of. */
export interface EventRecorder {
  event(about: KubeObject | ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string, more?: EventDetails): void
  /** Resolves when everything recorded so far is written or given up. */
  flushed(): Promise<void>
  close(): Promise<void>
}

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
  const backlog = createEventBacklog(env)
  const nameFor = createEventNames(env)
  const create = async ({ happening, count, firstMs, key }: Correlated, nowMs: number): Promise<void> => {
    const name = nameFor(happening.involvedObject.name, nowMs)
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
  return {
    event: (about, type, reason, message) => {
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
      backlog.add(reason, () => {
        // Correlated here and not when recorded: the ones before it are written by now, so their names are known.
        const correlated = correlator.correlate(happening, nowMs)
        return correlated ? () => write(correlated, nowMs) : undefined
      })
    },
    flushed: backlog.flushed,
    close: backlog.close,
  }
}
