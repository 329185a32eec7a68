import { persistentVolume, persistentVolumeClaim } from '@skiff/api'
import type { Client, Views } from '@skiff/client'
import { type Env, keyOf } from '@skiff/machinery'
import { type Choice, isBound } from './volume-claims.ts'

/** Binds what was chosen and resolves when every claim is bound; throws when that takes too long. */
export type BindVolumes = (choices: readonly Choice[], nodeName: string) => Promise<void>

const selectedNode = 'volume.kubernetes.io/selected-node'
/** Absent where a user reserved the volume: set free, it goes back to whoever it was reserved for. */
const boundByController = 'pv.kubernetes.io/bound-by-controller'

export interface BindVolumesParts {
  readonly client: Client
  readonly views: Views
  readonly env: Env
  readonly stopping: AbortSignal
}

export const createBindVolumes = ({ client, views, env, stopping }: BindVolumesParts, timeoutMs: number): BindVolumes => {
  const write = async ({ claim, volume }: Choice, nodeName: string): Promise<void> => {
    const { name, namespace = '', uid, resourceVersion } = claim.metadata
    if (!volume) {
      await client.patch(persistentVolumeClaim, { name, namespace }, 'merge', { metadata: { annotations: { [selectedNode]: nodeName } } })
      return
    }
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion }
    // With the volume's revision: two schedulers must not both win.
    const metadata = {
      resourceVersion: volume.metadata.resourceVersion,
      ...(volume.spec.claimRef ? {} : { annotations: { [boundByController]: 'yes' } }),
    }
    await client.patch(persistentVolume, { name: volume.metadata.name }, 'merge', { metadata, spec: { claimRef } })
  }
  const allBound = (choices: readonly Choice[]): Promise<void> => {
    const claims = views.view(persistentVolumeClaim)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => {
      const held = choices.map(({ claim }) => claims.get(keyOf(claim)))
      if (held.some((claim) => !claim)) reject(new Error('a persistent volume claim is gone'))
      else if (held.every((claim) => claim && isBound(claim))) resolve()
    }
    const cancel = env.after(timeoutMs, () => reject(new Error('binding volumes: context deadline exceeded')))
    const stop = () => reject(new Error('the scheduler stops'))
    stopping.addEventListener('abort', stop, { once: true })
    const unsubscribe = claims.subscribe(look)
    look()
    return promise.finally(() => {
      cancel()
      stopping.removeEventListener('abort', stop)
      unsubscribe()
    })
  }
  return async (choices, nodeName) => {
    for (const choice of choices) await write(choice, nodeName)
    await allBound(choices)
  }
}
