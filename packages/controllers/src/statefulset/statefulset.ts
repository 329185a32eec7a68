import { persistentVolumeClaim as claims, pod as pods, controllerRevision as revisions, statefulSet as statefulSets } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { revisionIndex } from '../history/revisions.ts'
import { orphanIndex } from '../pods.ts'
import { type Controller, objectController, owned, reading } from '../runner/controller.ts'
import { selects } from '../selector.ts'
import { planStatefulSet } from './plan.ts'

const matching = (views: Views, namespace: string, labels: Readonly<Record<string, string>> | undefined): string[] =>
  [...views.view(statefulSets).list(namespace)].filter((set) => selects(set.spec.selector, labels)).map(keyOf)

export const statefulSetController = (): Controller =>
  objectController({
    name: 'statefulset-controller',
    account: 'statefulset-controller',
    resource: statefulSets,
    watches: [
      owned(pods, statefulSets, {
        indexes: orphanIndex,
        orphans: ({ after }, views) => matching(views, after?.metadata.namespace ?? '', after?.metadata.labels),
      }),
      owned(revisions, statefulSets, {
        indexes: revisionIndex,
        orphans: ({ after }, views) => matching(views, after?.metadata.namespace ?? '', after?.metadata.labels),
      }),
      reading(claims),
    ],
    plan: planStatefulSet,
  })
