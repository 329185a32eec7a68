import type { PersistentVolume, PersistentVolumeClaim, Pod, Secret } from '@skiff/api'
import { persistentVolumeClaim as claims, runtimeClass, secret as secrets, persistentVolume as volumes } from '@skiff/api'
import type { Client } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'

/** The pull secrets that a pod names and that exist. */
export const pullSecretReader =
  (client: Client) =>
  async (pod: Pod): Promise<Secret[]> => {
    const namespace = pod.metadata.namespace ?? ''
    const found = (pod.spec.imagePullSecrets ?? []).map(({ name }) =>
      client.get(secrets, { namespace, name: name ?? '' }).catch((error) => {
        if (isRefusal(error, 404)) return undefined
        throw error
      }),
    )
    return (await Promise.all(found)).filter((secret) => secret !== undefined)
  }

export const storageReader = (client: Client) => ({
  claim: (namespace: string, name: string): Promise<PersistentVolumeClaim> => client.get(claims, { namespace, name }),
  persistentVolume: (name: string): Promise<PersistentVolume> => client.get(volumes, { name }),
})

/** The runtime's handler that a RuntimeClass stands for. */
export const handlerReader =
  (client: Client) =>
  async (name: string): Promise<string> => {
    try {
      return (await client.get(runtimeClass, { name })).handler
    } catch (error) {
      if (isRefusal(error, 404)) throw new Error(`RuntimeClass ${JSON.stringify(name)} not found`)
      throw error
    }
  }
