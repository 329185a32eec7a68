import { type Binding, type Pod, pod as pods } from '@skiff/api'
import type { Client, Draft } from '@skiff/client'

/** DefaultBinder: POST pods/NAME/binding. */
export const bindPod = async (client: Client, pod: Pod, nodeName: string): Promise<void> => {
  const { name, namespace = '', uid } = pod.metadata
  const binding: Draft<Binding> = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, uid },
    target: { kind: 'Node', name: nodeName },
  }
  await client.create(pods, binding as unknown as Draft<Pod>, { subresource: 'binding' })
}

/** At most `limit` at a time; the others wait their turn in order. */
export const createSlots = (limit: number): (<T>(act: () => Promise<T>) => Promise<T>) => {
  let free = limit
  const waiting: (() => void)[] = []
  return async (act) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      return await act()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
