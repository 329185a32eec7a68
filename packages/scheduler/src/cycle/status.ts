import { type Pod, type PodCondition, pod as pods } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, rfc3339 } from '@skiff/machinery'

/** What the scheduler writes to a pod's status; undefined leaves the nomination, '' clears it. */
export interface StatusChange {
  readonly condition: { readonly type: string; readonly status: 'True' | 'False'; readonly reason: string; readonly message: string }
  readonly nominatedNodeName?: string
}

const isSame = (held: PodCondition | undefined, { condition }: StatusChange): boolean =>
  held?.status === condition.status && held.reason === condition.reason && held.message === condition.message

/** Takes a nomination out of a pod's status. */
export const clearNomination = async (client: Client, { metadata, status }: Pod): Promise<void> => {
  if (!status?.nominatedNodeName) return
  const { name, namespace, uid } = metadata
  const target = { name, ...(namespace !== undefined ? { namespace } : {}), subresource: 'status' }
  await client.patch(pods, target, 'strategic', { metadata: { uid }, status: { nominatedNodeName: null } })
}

/** Writes the condition when it says something new; the transition time moves only with the status. */
export const writeStatus = async (client: Client, env: Env, pod: Pod, change: StatusChange): Promise<void> => {
  const held = pod.status?.conditions?.find((each) => each.type === change.condition.type)
  const nominates = change.nominatedNodeName !== undefined && change.nominatedNodeName !== (pod.status?.nominatedNodeName ?? '')
  if (isSame(held, change) && !nominates) return
  const isMoved = held?.status !== change.condition.status
  const nowText = rfc3339(env.now())
  const condition = {
    ...change.condition,
    lastProbeTime: null,
    lastTransitionTime: isMoved ? nowText : (held?.lastTransitionTime ?? nowText),
  }
  const nomination = nominates ? { nominatedNodeName: change.nominatedNodeName || null } : {}
  const { name, namespace } = pod.metadata
  const target = { name, ...(namespace !== undefined ? { namespace } : {}), subresource: 'status' }
  // Without this the server puts what is new first.
  const types = new Set([...(pod.status?.conditions ?? []).map(({ type }) => type), condition.type])
  const order = types.size > 1 ? { '$setElementOrder/conditions': [...types].map((type) => ({ type })) } : {}
  const status = { ...order, conditions: [condition], ...nomination }
  await client.patch(pods, target, 'strategic', { metadata: { uid: pod.metadata.uid }, status })
}
