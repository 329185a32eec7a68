import type { ConfigMap, Pod, Resource, Secret } from '@skiff/api'
import { configMap as configMaps, secret as secrets } from '@skiff/api'
import { type Client, createInformer, type Informer } from '@skiff/client'
import { type Env, isRefusal, type KubeObject, notFound } from '@skiff/machinery'
import type { Referents } from '../config/env-vars.ts'
import { narrowed } from './narrowed.ts'

/** Objects that pods of this node name. Each is watched by itself, as a node may see no others, for as long as a pod names it. */
export interface FollowedReferents extends Referents {
  /** From now on until `forget`, changes of what the pod names are told by its uid. */
  follow(pod: Pod): void
  forget(podUid: string): void
  stop(): Promise<void>
}

interface Followed {
  readonly informer: Informer
  readonly podUids: Set<string>
}

export const createReferents = (client: Client, env: Env, onChange: (podUid: string) => void): FollowedReferents => {
  const followed = new Map<string, Followed>()
  const keyOf = (resource: Resource, namespace: string, name: string) => `${resource.plural}/${namespace}/${name}`

  const open = (resource: Resource, namespace: string, name: string): Followed => {
    const informer = createInformer(narrowed(client, { namespace, fieldSelector: `metadata.name=${name}` }), resource, env)
    const entry: Followed = { informer, podUids: new Set() }
    const first = { told: false }
    informer.subscribe(({ key }) => {
      if (key !== `${namespace}/${name}`) return
      // The first list brings what those who asked have read already.
      if (informer.isSynced || first.told) for (const uid of entry.podUids) onChange(uid)
      first.told = true
    })
    return entry
  }
  const read = async <T extends KubeObject>(resource: Resource<T>, kind: string, namespace: string, name: string): Promise<T> => {
    const entry = followed.get(keyOf(resource, namespace, name))
    const held = entry?.informer.isSynced ? entry.informer.get(`${namespace}/${name}`) : undefined
    if (held) return held as unknown as T
    try {
      return await client.get(resource, { namespace, name })
    } catch (error) {
      // The kubelet's messages have the kind in the singular.
      throw isRefusal(error, 404) ? notFound({ group: '', resource: kind }, name) : error
    }
  }
  const closing = new Set<Promise<void>>()
  const drop = (key: string, entry: Followed) => {
    followed.delete(key)
    const closed = entry.informer.close().finally(() => closing.delete(closed))
    closing.add(closed)
  }
  return {
    configMap: (namespace, name) => read<ConfigMap>(configMaps, 'configmap', namespace, name),
    secret: (namespace, name) => read<Secret>(secrets, 'secret', namespace, name),
    follow: (pod) => {
      const namespace = pod.metadata.namespace ?? ''
      for (const [resource, name] of namesIn(pod)) {
        const key = keyOf(resource, namespace, name)
        const entry = followed.get(key) ?? open(resource, namespace, name)
        followed.set(key, entry)
        entry.podUids.add(pod.metadata.uid)
      }
    },
    forget: (uid) => {
      for (const [key, entry] of [...followed]) {
        if (entry.podUids.delete(uid) && entry.podUids.size === 0) drop(key, entry)
      }
    },
    stop: async () => {
      for (const [key, entry] of [...followed]) drop(key, entry)
      await Promise.all(closing)
    },
  }
}

/** The config maps and secrets that a pod's volumes and variables name. */
const namesIn = (pod: Pod): (readonly [Resource, string])[] => {
  const maps = new Set<string | undefined>()
  const hidden = new Set<string | undefined>()
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    maps.add(configMap?.name)
    hidden.add(secret?.secretName)
    for (const source of projected?.sources ?? []) {
      maps.add(source.configMap?.name)
      hidden.add(source.secret?.name)
    }
  }
  for (const { env = [], envFrom = [] } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    for (const { valueFrom } of env) {
      maps.add(valueFrom?.configMapKeyRef?.name)
      hidden.add(valueFrom?.secretKeyRef?.name)
    }
    for (const source of envFrom) {
      maps.add(source.configMapRef?.name)
      hidden.add(source.secretRef?.name)
    }
  }
  const given = (names: Set<string | undefined>) => [...names].filter((name): name is string => name !== undefined && name !== '')
  return [...given(maps).map((name) => [configMaps, name] as const), ...given(hidden).map((name) => [secrets, name] as const)]
}
