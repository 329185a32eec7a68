import { type APIService, apiService } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import type { Registry } from '../registry/registry.ts'
import { entriesOf } from '../registry/tree.ts'

/** Upstream's priorities of its own groups: the group's, by name. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'internal.apiserver.k8s.io': 16_000,
  'resource.k8s.io': 15_900,
  'storagemigration.k8s.io': 15_800,
  // As the manifest of the metrics server has it.
  'metrics.k8s.io': 100,
}
/** The version's, where it is not the usual 15 of a first stable one. */
const versionPriorities: Readonly<Record<string, number>> = {
  '/v1': 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'metrics.k8s.io/v1beta1': 100,
}
const versionPriority = (group: string, version: string): number =>
  versionPriorities[`${group}/${version}`] ?? (version.includes('alpha') ? 1 : version.includes('beta') ? 9 : 15)

const managed = 'kube-aggregator.kubernetes.io/automanaged'

const serviceOf = (group: string, version: string, custom: boolean): APIService =>
  ({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}`, labels: { [managed]: custom ? 'true' : 'onstart' } },
    spec: custom
      ? { group, version, groupPriorityMinimum: 1000, versionPriority: 100 }
      : {
          ...(group === '' ? {} : { group }),
          version,
          groupPriorityMinimum: groupPriorities[group] ?? 1000,
          versionPriority: versionPriority(group, version),
        },
  }) as unknown as APIService

/**
 * Keeps an APIService for each group version that this server serves itself, those of custom resources included; its own group has none.
 * Resolves when the built-in ones are there.
 */
export const publishLocalServices = async (registry: Registry, cache: Cache, client: Client, env: Env): Promise<{ stop(): void }> => {
  const sync = async (): Promise<void> => {
    const wanted = new Map<string, APIService>()
    for (const { group, version, custom } of registry.all())
      if (group !== 'apiregistration.k8s.io') {
        const object = serviceOf(group, version, custom)
        wanted.set(object.metadata.name, object)
      }
    const held = new Map([...entriesOf(cache.tree, '')].map(({ object }) => [object.metadata.name, object as APIService]))
    for (const [name, object] of wanted) if (!held.has(name)) await client.create(apiService, object as never)
    for (const [name, { metadata }] of held)
      if (metadata.labels?.[managed] !== undefined && !wanted.has(name)) await client.remove(apiService, { name })
  }
  let running = Promise.resolve()
  const follow = () => {
    running = running.then(sync).catch((error) => {
      // Another server may have been faster; the next change looks again.
      if (!isRefusal(error)) env.log.warn('the list of served group versions could not be written', { error: String(error) })
    })
  }
  await sync()
  const stop = registry.subscribe(follow)
  // One that was another server's and is removed: this one serves the group version again.
  let size = cache.tree.size
  const refill = () => {
    if (cache.tree.size < size) follow()
    size = cache.tree.size
  }
  cache.listeners.add(refill)
  return {
    stop: () => {
      stop()
      cache.listeners.delete(refill)
    },
  }
}
