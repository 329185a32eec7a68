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

/** The namespaces that a term means now: what a counter's key must hold beside the term, since labels of namespaces change. */
const selectedNow = (term: Term, { views }: Cluster): string => {
  if (!term.namespaceSelector || term.namespaceSelector.empty) return ''
  const names: string[] = []
  for (const each of views.view(namespace).list())
    if (term.namespaceSelector.matches(each.metadata.labels ?? {})) names.push(each.metadata.name)
  return names.sort().join()
}

/** Pods by node that all of `terms` speak of. */
export const matchingAll = (terms: readonly Term[], cluster: Cluster): Counter => {
  const key = terms.map((term) => `${term.key} ${selectedNow(term, cluster)}`).join('\n')
  return cluster.snapshot.counter(`affinity ${key}`, (pod) => terms.every((term) => termMatches(term, pod, cluster)))
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
