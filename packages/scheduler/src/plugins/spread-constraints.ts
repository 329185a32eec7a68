import { replicaSet, replicationController, service, statefulSet, type TopologySpreadConstraint } from '@skiff/api'
import { type CompiledSelector, compileLabelSelector, controllerOf, selectorFromLabels } from '@skiff/machinery'
import type { InTreeArgs } from '../config/configuration.ts'
import type { Cluster } from '../cycle/framework.ts'
import { requiredNodes } from '../match/node-selector.ts'
import { untolerated } from '../match/tolerations.ts'
import type { Counter } from '../snapshot/counters.ts'
import type { Domain } from '../snapshot/domains.ts'
import { type PodInfo, withOwnLabels } from '../snapshot/pod-info.ts'

/** One constraint of one pod, with the numbers that it is decided by. */
export interface Constraint {
  readonly topologyKey: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly selfMatches: boolean
  readonly domain: Domain
  /** Matching pods of the pod's namespace, by node slot. */
  readonly counter: Counter
  /** Whether `other` is counted there. */
  readonly meets: (other: PodInfo) => boolean
  /** Whether the pods and the domain of a node count at all. */
  readonly counts: (slot: number) => boolean
}

// Upstream's defaults of the cluster, for pods of a Service or controller that have no constraints of their own.
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { maxSkew: 3, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
  { maxSkew: 5, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
]

type When = TopologySpreadConstraint['whenUnsatisfiable']
export interface Constraining {
  (pod: PodInfo, cluster: Cluster, when: When): { readonly constraints: readonly Constraint[]; readonly areSystemDefaults: boolean }
  /** Pods without constraints of their own may be kept off nodes as well. */
  readonly mayFilterByDefault: boolean
}

/** A pod's own constraints, or those that the profile has for pods without. */
export const createConstraining = ({ defaultingType, defaultConstraints = [] }: InTreeArgs['PodTopologySpread']): Constraining => {
  const isSystem = defaultingType === 'System'
  const defaults = isSystem ? systemDefaults : defaultConstraints
  const constraintsOf = (pod: PodInfo, cluster: Cluster, when: When) => {
    const own = pod.pod.spec.topologySpreadConstraints ?? []
    const chosen = (own.length === 0 ? defaults : own).filter((each) => each.whenUnsatisfiable === when)
    if (own.length === 0) {
      const selector = chosen.length > 0 ? ownersSelector(pod, cluster) : undefined
      return { constraints: selector ? chosen.map((each) => compile(each, selector, pod, cluster)) : [], areSystemDefaults: isSystem }
    }
    const selectorOf = (each: TopologySpreadConstraint) =>
      compileLabelSelector(withOwnLabels(each.labelSelector, pod.labels, each.matchLabelKeys))
    return { constraints: chosen.map((each) => compile(each, selectorOf(each), pod, cluster)), areSystemDefaults: false }
  }
  const mayFilterByDefault = defaults.some((each) => each.whenUnsatisfiable === 'DoNotSchedule')
  return Object.assign(constraintsOf, { mayFilterByDefault })
}

const compile = (each: TopologySpreadConstraint, selector: CompiledSelector, pod: PodInfo, { snapshot }: Cluster): Constraint => {
  const { namespace } = pod
  const affinity = each.nodeAffinityPolicy === 'Ignore' ? undefined : requiredNodes(pod.pod)
  const meets = (other: PodInfo) => other.namespace === namespace && !other.isTerminating && selector.matches(other.labels)
  const honorsTaints = each.nodeTaintsPolicy === 'Honor'
  return {
    topologyKey: each.topologyKey,
    maxSkew: each.maxSkew,
    minDomains: each.minDomains ?? 1,
    selfMatches: selector.matches(pod.labels),
    domain: snapshot.domain(each.topologyKey),
    counter: snapshot.counter(
      `spread ${namespace} ${selector.requirements.length === 0 && !selector.empty ? 'nothing' : selector.toString()}`,
      meets,
    ),
    meets,
    counts: (slot) => {
      const node = snapshot.node(slot)?.node
      if (!node) return false
      if (affinity && !affinity(node)) return false
      return !honorsTaints || !untolerated(node.spec?.taints, pod.pod.spec.tolerations)
    },
  }
}

/** What the Services that select the pod and the controller that owns it select, all together; undefined when nothing does. */
const ownersSelector = (pod: PodInfo, { views }: Cluster): CompiledSelector | undefined => {
  const selectors: CompiledSelector[] = []
  for (const { spec } of views.view(service).list(pod.namespace)) {
    const wanted = Object.entries(spec.selector ?? {})
    if (wanted.length > 0 && wanted.every(([key, value]) => pod.labels[key] === value)) selectors.push(selectorFromLabels(spec.selector))
  }
  const owner = controllerOf(pod.pod)
  const key = `${pod.namespace}/${owner?.name}`
  if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1') {
    const labels = views.view(replicationController).get(key)?.spec.selector
    if (labels) selectors.push(selectorFromLabels(labels))
  } else if (owner?.apiVersion === 'apps/v1' && (owner.kind === 'ReplicaSet' || owner.kind === 'StatefulSet')) {
    const held = owner.kind === 'ReplicaSet' ? views.view(replicaSet).get(key) : views.view(statefulSet).get(key)
    if (held) selectors.push(compileLabelSelector(held.spec.selector))
  }
  const [first] = selectors
  if (!first || selectors.length === 1) return first
  return {
    requirements: selectors.flatMap((each) => each.requirements),
    matches: (labels) => selectors.every((each) => each.matches(labels)),
    empty: selectors.every((each) => each.empty),
    toString: () => selectors.map(String).join(','),
  }
}
