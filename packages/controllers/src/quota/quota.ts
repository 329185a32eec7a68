import type { Amounts, Pod, Resource, ResourceQuota } from '@skiff/api'
import { persistentVolumeClaim, pod as pods, resourceQuota as quotas, resourceKey, service as services } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { compareQuantities, isRefusal, type KubeObject, keyOf } from '@skiff/machinery'
import { isFinished } from '../pods.ts'
import { type Controller, type Watched, watching } from '../runner/controller.ts'
import { requeue, type Steps, updateStatus } from '../runner/step.ts'
import { same } from '../same.ts'
import { quotaUsage } from './usage.ts'

// Upstream counts afresh as often, whatever it saw.
const resyncMs = 300_000
const refusedMs = 500

const sameAmounts = (a: Amounts | undefined, b: Amounts): boolean => {
  const held = a ?? {}
  const names = Object.keys(b)
  return (
    names.length === Object.keys(held).length &&
    names.every((name) => held[name] !== undefined && compareQuantities(held[name], b[name] as string) === 0)
  )
}

export const planQuota = (quota: ResourceQuota, views: Views, resources: readonly Resource[], nowMs: number): Steps => {
  if (quota.metadata.deletionTimestamp !== undefined) return []
  const hard = quota.spec.hard ?? {}
  const used = quotaUsage(quota, views, resources, nowMs)
  const isCurrent = sameAmounts(quota.status?.hard, hard) && sameAmounts(quota.status?.used, used)
  // While charged objects are being written the count is refused: many times in a row, but never for long.
  const failed = (error: unknown): Steps | undefined => (isRefusal(error, 409) ? [requeue(refusedMs)] : undefined)
  return [...(isCurrent ? [] : [updateStatus(quotas, { ...quota, status: { hard, used } }, { failed })]), requeue(resyncMs)]
}

/** Most kinds only count; of pods it also matters when they end, of services and claims what they ask for. */
const changesUsage = (resource: Resource, { before, after }: ViewChange<KubeObject>): boolean => {
  if (!before || !after) return true
  switch (resourceKey(resource)) {
    case resourceKey(pods):
      return isFinished(before as Pod) !== isFinished(after as Pod) || before.metadata.generation !== after.metadata.generation
    case resourceKey(services):
    case resourceKey(persistentVolumeClaim):
      return !same((before as { spec?: unknown }).spec, (after as { spec?: unknown }).spec)
    default:
      return false
  }
}

export const resourceQuotaController = (resources: () => readonly Resource[]): Controller => {
  const ofNamespace = (views: Views, namespace: string | undefined): string[] =>
    namespace === undefined ? [] : [...views.view(quotas).list(namespace)].map(keyOf)
  const own = watching<ResourceQuota>({
    resource: quotas,
    keys: ({ key, before, after }, views) =>
      before && after ? [key] : [key, ...ofNamespace(views, (after ?? before)?.metadata.namespace)],
  })
  const counted = (resource: Resource): Watched<never> =>
    watching({
      resource,
      keys: (change, views) =>
        changesUsage(resource, change) ? ofNamespace(views, (change.after ?? change.before)?.metadata.namespace) : [],
    })
  let held: readonly Resource[] = []
  let watches: readonly Watched<never>[] = [own]
  return {
    name: 'resourcequota-controller',
    account: 'resourcequota-controller',
    component: 'resourcequota-controller',
    dynamic: true,
    watches: () => {
      const now = [...new Map(resources().map((one) => [resourceKey(one), one])).values()]
      const namespaced = now.filter((one) => one.namespaced && one.plural !== 'events' && resourceKey(one) !== resourceKey(quotas))
      if (namespaced.length === held.length && namespaced.every((one, at) => one === held[at])) return watches
      held = namespaced
      watches = [own, ...held.map(counted)]
      return watches
    },
    plan: (key, views, nowMs) => {
      const quota = views.view(quotas).get(key)
      return quota ? planQuota(quota, views, [...held, quotas], nowMs) : []
    },
  }
}
