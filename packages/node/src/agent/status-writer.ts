import { isDeepStrictEqual } from 'node:util'
import type { Pod, PodCondition, PodStatus } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import type { Client } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { isRefusal } from '@skiff/machinery'
import { ownConditions } from '../pods/conditions.ts'

/** Writes one pod's status. One write at a time; what changes meanwhile goes out together in the next. */
export interface StatusWriter {
  /** The status that is wanted from now on. */
  set(status: PodStatus): void
  /** The object came from the server: what is there is compared with what is wanted. */
  saw(pod: Pod): void
  /** Resolves when the server has what was wanted, or the pod is gone. */
  settled(): Promise<void>
}

const retryMs = 1_000

export const createStatusWriter = (client: Client, env: Env, first: Pod, signal: AbortSignal): StatusWriter => {
  let server = first
  let wanted: PodStatus | undefined
  let writing: Promise<void> | undefined
  let gone = false

  const writeAll = async (): Promise<void> => {
    while (wanted && !gone && !signal.aborted) {
      const asked = wanted
      const patch = patchFor(server, asked)
      if (!patch) return
      const target = { ...(server.metadata.namespace ? { namespace: server.metadata.namespace } : {}), name: server.metadata.name }
      try {
        const answer = await client.patch(pods, { ...target, subresource: 'status' }, 'strategic', patch)
        const isUnchanged = answer.metadata.resourceVersion === server.metadata.resourceVersion
        server = answer
        // The server sees no difference where we do: asking the same again would not end.
        if (isUnchanged && wanted === asked) return
      } catch (error) {
        // A conflict means another pod of this name: the uid in the patch is a precondition.
        if (isRefusal(error, 404) || isRefusal(error, 409)) gone = true
        else {
          env.log.warn('status of a pod not written', { pod: target.name, error: String(error) })
          await env.sleep(retryMs, signal)
        }
      }
    }
  }
  const write = () => {
    if (writing) return
    const before = wanted
    writing = writeAll().finally(() => {
      writing = undefined
      // What was wanted between the last look and this moment is not forgotten.
      if (wanted !== before && wanted && !gone && !signal.aborted && patchFor(server, wanted)) write()
    })
  }
  return {
    set: (status) => {
      wanted = status
      if (patchFor(server, status)) write()
    },
    saw: (pod) => {
      // While a write is under way its answer is newer than what a watch brings.
      if (writing) return
      server = pod
      // Another wrote what is ours: a pod of a node that was given up is ready again when the node comes back.
      if (wanted && patchFor(server, wanted)) write()
    },
    settled: async () => {
      if (wanted && patchFor(server, wanted)) write()
      while (writing) await writing
    },
  }
}

/** Fields that others write. */
const notOurs = ['resize', 'resourceClaimStatuses', 'nominatedNodeName']

const isOwn = ({ type }: PodCondition): boolean => (ownConditions as readonly string[]).includes(type)

/** The strategic merge patch that makes the server's status the wanted one, leaving conditions of others alone; undefined: nothing to do. */
export const patchFor = (server: Pod, wanted: PodStatus): Record<string, unknown> | undefined => {
  const held: Record<string, unknown> = { ...server.status }
  const want: Record<string, unknown> = { ...wanted }
  const status: Record<string, unknown> = {}
  for (const key of new Set([...Object.keys(held), ...Object.keys(want)])) {
    if (key === 'conditions' || isDeepStrictEqual(held[key], want[key])) continue
    if (notOurs.includes(key) && want[key] === undefined) continue
    // Lists of addresses are merged by their ip: the old ones must go.
    const merged = (key === 'podIPs' || key === 'hostIPs') && Array.isArray(held[key]) && Array.isArray(want[key])
    status[key] = merged ? [...(want[key] as unknown[]), { $patch: 'replace' }] : (want[key] ?? null)
  }
  const conditions = changedConditions(server.status?.conditions ?? [], wanted.conditions ?? [])
  if (conditions.length > 0) {
    status.conditions = conditions
    status['$setElementOrder/conditions'] = (wanted.conditions ?? []).map(({ type }) => ({ type }))
  }
  if (Object.keys(status).length === 0) return undefined
  return { metadata: { uid: server.metadata.uid }, status }
}

const changedConditions = (held: readonly PodCondition[], wanted: readonly PodCondition[]): Record<string, unknown>[] =>
  wanted.filter(isOwn).flatMap((condition) => {
    const before = held.find(({ type }) => type === condition.type)
    if (!before) return [{ ...condition }]
    const fields = ['status', 'reason', 'message', 'lastTransitionTime', 'observedGeneration'] as const
    const changed = fields.filter((field) => before[field] !== condition[field])
    if (changed.length === 0) return []
    return [{ type: condition.type, ...Object.fromEntries(changed.map((field) => [field, condition[field] ?? null])) }]
  })
