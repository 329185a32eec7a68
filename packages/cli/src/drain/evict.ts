import { pod as podResource } from '@skiff/api'
import { durationTextMs, isRefusal, type JsonObject } from '@skiff/machinery'
import type { Dynamic } from '../objects/fields.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import { passedOver } from './pods-to-delete.ts'

export interface EvictOptions {
  /** Deletes instead, past PodDisruptionBudgets. */
  readonly disableEviction: boolean
  /** -1 leaves the pod's own. */
  readonly graceSeconds: number
  /** 0 is without end. */
  readonly timeoutMs: number
  readonly skipDeletedSeconds: number
  readonly serverDryRun: boolean
}

const retryMs = 5_000
const pollMs = 1_000

/** The pod's absence, or another pod of its name: it is gone. */
const isGone = async (session: Session, pod: Dynamic, options: EvictOptions): Promise<boolean> => {
  const { client } = await session.connect()
  const { name, namespace = '', uid } = pod.metadata
  try {
    const now = (await client.get(podResource, { namespace, name })) as unknown as Dynamic
    if (now.metadata.uid !== uid) return true
    if (!passedOver(now, options.skipDeletedSeconds, session.env.now())) return false
    session.say(`pod "${name}" has DeletionTimestamp older than ${options.skipDeletedSeconds} seconds, skipping`)
    return true
  } catch (error) {
    if (isRefusal(error, 404)) return true
    throw error
  }
}

/** Asks until the pod may go: a budget that is used up is asked again every five seconds. */
const ask = async (session: Session, pod: Dynamic, options: EvictOptions, body: JsonObject, lateAtMs: number): Promise<void> => {
  const { client } = await session.connect()
  const { name, namespace = '' } = pod.metadata
  const query: Record<string, string> = options.serverDryRun ? { dryRun: 'All' } : {}
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: body }
  for (;;) {
    session.say(`evicting pod ${namespace}/${name}${options.serverDryRun ? ' (server dry run)' : ''}`)
    if (session.env.monotonicMs() >= lateAtMs)
      throw new UsageError(
        `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: global timeout reached: ${durationTextMs(options.timeoutMs)}`,
      )
    try {
      await client.create(podResource, eviction as never, { namespace, name, subresource: 'eviction' }, { query })
      return
    } catch (error) {
      if (isRefusal(error, 404)) return
      const about = `error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}`
      if (!isRefusal(error, 429)) throw new UsageError(`${about}: ${(error as Error).message}`)
      session.complain(`${about} (will retry after 5s): ${error.message}`)
      await session.env.sleep(retryMs, session.deps.signal)
    }
  }
}

/** Evicts (or deletes) one pod and waits until it is gone. */
export const evictPod = async (session: Session, pod: Dynamic, options: EvictOptions): Promise<void> => {
  const { client } = await session.connect()
  const { name, namespace = '' } = pod.metadata
  const body: JsonObject = options.graceSeconds >= 0 ? { gracePeriodSeconds: options.graceSeconds } : {}
  const dryRun: JsonObject = options.serverDryRun ? { dryRun: ['All'] } : {}
  const lateAtMs = options.timeoutMs === 0 ? Number.POSITIVE_INFINITY : session.env.monotonicMs() + options.timeoutMs
  if (options.disableEviction)
    await client
      .remove(podResource, { namespace, name }, { kind: 'DeleteOptions', apiVersion: 'v1', ...body, ...dryRun })
      .catch((error) => {
        if (!isRefusal(error, 404)) throw error
      })
  else await ask(session, pod, options, body, lateAtMs)
  if (options.serverDryRun) return
  while (!(await isGone(session, pod, options))) {
    if (session.env.monotonicMs() >= lateAtMs)
      throw new UsageError(
        `error when waiting for pod ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} to terminate: global timeout reached: ${durationTextMs(options.timeoutMs)}`,
      )
    await session.env.sleep(Math.max(0, Math.min(pollMs, lateAtMs - session.env.monotonicMs())), session.deps.signal)
  }
  session.say(`pod/${name} ${options.disableEviction ? 'deleted' : 'evicted'}`)
}
