import { type Binding, type Pod, pod as pods } from '@skiff/api'
import type { Client, Draft } from '@skiff/client'
import { type Env, isRefusal, Refusal } from '@skiff/machinery'

// Between looks at a pod whose binding has an unknown outcome.
const lookMs = 500
const maxLookMs = 10_000

/** DefaultBinder: POST pods/NAME/binding. Resolves when the pod is bound to the node, throws when it surely is not. */
export const bindPod = async (client: Client, env: Env, pod: Pod, nodeName: string, stopping: AbortSignal): Promise<void> => {
  const { name, namespace = '', uid } = pod.metadata
  const binding: Draft<Binding> = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, uid },
    target: { kind: 'Node', name: nodeName },
  }
  try {
    await client.create(pods, binding as unknown as Draft<Pod>, { subresource: 'binding' })
  } catch (error) {
    // Refused: it was not done. Anything else may have been done all the same, and the room must not be given to another meanwhile.
    if (error instanceof Refusal && !isUnknown(error)) throw error
    if (!(await isBoundTo(client, env, pod, nodeName, stopping))) throw error
  }
}

const isUnknown = ({ code }: Refusal): boolean => code === 504

const isBoundTo = async (client: Client, env: Env, { metadata }: Pod, nodeName: string, stopping: AbortSignal): Promise<boolean> => {
  const { name, namespace = '', uid } = metadata
  for (let waitMs = lookMs; ; waitMs = Math.min(maxLookMs, waitMs * 2))
    try {
      const held = await client.get(pods, { name, namespace })
      return held.metadata.uid === uid && held.spec.nodeName === nodeName
    } catch (error) {
      if (isRefusal(error, 404)) return false
      // The server does not answer: neither do we know.
      if (waitMs >= maxLookMs || stopping.aborted) throw error
      await env.sleep(waitMs, stopping)
    }
}
