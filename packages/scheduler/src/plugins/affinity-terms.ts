import { namespace } from '@skiff/api'
import type { Cluster } from '../cycle/framework.ts'
import type { Counter } from '../snapshot/counters.ts'
import type { PodInfo, Term } from '../snapshot/pod-info.ts'

/** Whether `pod` is one that `term` speaks of. */
export const termMatches = (term: Term, pod: PodInfo, { views }: Cluster): boolean => {
  if (!term.selector.matches(pod.labels)) return false
  if (term.namespaces.has(pod.namespace)) return true
  if (!term.namespaceSelector) return false
  return term.namespaceSelector.matches(views.view(namespace).get(pod.namespace)?.metadata.labels ?? {})
}

/** The namespaces that a term selects now, sorted; undefined where it selects none or all. */
const selectedNow = (term: Term, { views }: Cluster): readonly string[] | undefined => {
  if (!term.namespaceSelector || term.namespaceSelector.empty) return undefined
  const names: string[] = []
  for (const each of views.view(namespace).list())
    if (term.namespaceSelector.matches(each.metadata.labels ?? {})) names.push(each.metadata.name)
  return names.sort()
}

/**
 * Pods by node that all of `terms` speak of. What a term selects of the namespaces is part of the counter's key and fixed in it: pods that
 * move later, when labels of namespaces have changed, must be counted as those before them.
 */
export const matchingAll = (terms: readonly Term[], cluster: Cluster): Counter => {
  const fixed = terms.map((term) => ({ term, selected: selectedNow(term, cluster) }))
  const key = fixed.map(({ term, selected }) => `${term.key} ${selected?.join() ?? ''}`).join('\n')
  const meets = (pod: PodInfo): boolean =>
    fixed.every(({ term, selected }) => {
      if (!term.selector.matches(pod.labels)) return false
      return term.namespaces.has(pod.namespace) || (selected ? selected.includes(pod.namespace) : (term.namespaceSelector?.empty ?? false))
    })
  return cluster.snapshot.counter(`affinity ${key}`, meets)
}

/** `weight` for each counted pod, summed over the topology domains of `topologyKey`, by domain id. */
export const sumByDomain = (
  counter: Counter,
  topologyKey: string,
  weight: number,
  { snapshot }: Cluster,
  into?: Float64Array,
): Float64Array => {
  const domain = snapshot.domain(topologyKey)
  const sums = into ?? new Float64Array(domain.size)
  if (counter.total === 0) return sums
  for (const slot of snapshot.order) {
    const id = domain.ids[slot] as number
    const count = counter.counts[slot] as number
    if (count > 0 && id >= 0) sums[id] = (sums[id] as number) + weight * count
  }
  return sums
}
