import type { Pod, PodDisruptionBudget, Resource } from '@skiff/api'
import { podDisruptionBudget as budgets, pod as pods } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { isReady } from '../pods.ts'
import { type Controller, type Watched, watching } from '../runner/controller.ts'
import { event, type Steps } from '../runner/step.ts'
import { same } from '../same.ts'
import { selects } from '../selector.ts'
import { planBudget } from './budget.ts'
import { type Scaled, scalable } from './expected.ts'
import { isTarget, planStaleTarget } from './stale-target.ts'

// No object key holds a space, so pods and budgets never meet.
const podPrefix = 'pod '

/** Whether budgets count two states of a pod alike. */
const countsTheSame = (a: Pod, b: Pod): boolean =>
  a.metadata.deletionTimestamp === b.metadata.deletionTimestamp &&
  isReady(a) === isReady(b) &&
  same(a.metadata.labels, b.metadata.labels) &&
  same(a.metadata.ownerReferences, b.metadata.ownerReferences)

const budgetsOf = ({ metadata: { namespace = '', labels } }: Pod, views: Views): PodDisruptionBudget[] =>
  [...views.view(budgets).list(namespace)].filter(({ spec }) => selects(spec.selector, labels))

const keysOf = ({ key, before, after }: ViewChange<Pod>, views: Views): readonly string[] => {
  const keys = after && isTarget(after) ? [`${podPrefix}${key}`] : []
  if (before && after && countsTheSame(before, after)) return keys
  const now = after ? budgetsOf(after, views) : []
  if (now.length > 1) keys.push(`${podPrefix}${key}`)
  for (const budget of now) keys.push(keyOf(budget))
  if (before) for (const budget of budgetsOf(before, views)) keys.push(keyOf(budget))
  return keys
}

/** What the owners of pods want is seen later than the pods at times: what was counted by the old size is counted again. */
const keysOfScaled = ({ before, after }: ViewChange<Scaled>, views: Views): readonly string[] => {
  if (before && after && before.spec.replicas === after.spec.replicas) return []
  const { metadata, spec } = (after ?? before) as Scaled
  const labels = spec.template?.metadata?.labels
  return [...views.view(budgets).list(metadata.namespace ?? '')].filter((budget) => selects(budget.spec.selector, labels)).map(keyOf)
}

/** Evictions of such a pod are refused: who reads its events learns why. */
const planAmbiguity = (pod: Pod, views: Views): Steps => {
  const names = budgetsOf(pod, views).map(({ metadata }) => metadata.name)
  if (names.length < 2) return []
  const { namespace, name } = pod.metadata
  const text = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${names.sort()[0]}" arbitrarily.`
  return [event(pod, 'Warning', 'MultiplePodDisruptionBudgets', text)]
}

/** Keeps the status of disruption budgets, which evictions are granted by. */
export const disruptionController = (resources: () => readonly Resource[]): Controller => {
  const watches: readonly Watched<never>[] = [
    watching({ resource: budgets, keys: ({ key }) => [key] }),
    watching({ resource: pods, keys: keysOf }),
    ...scalable.map((resource) => watching({ resource, keys: keysOfScaled })),
  ]
  return {
    name: 'disruption-controller',
    account: 'disruption-controller',
    component: 'controllermanager',
    watches: () => watches,
    plan: (key, views, nowMs) => {
      if (key.startsWith(podPrefix)) {
        const pod = views.view(pods).get(key.slice(podPrefix.length))
        return pod ? [...planAmbiguity(pod, views), ...planStaleTarget(pod, nowMs)] : []
      }
      const budget = views.view(budgets).get(key)
      return budget ? planBudget(budget, views, resources(), nowMs) : []
    },
  }
}
