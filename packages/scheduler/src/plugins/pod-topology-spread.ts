import type { Node, TopologySpreadConstraint } from '@skiff/api'
import { type CompiledSelector, compileLabelSelector } from '@skiff/machinery'
import type { InTreeArgs } from '../config/configuration.ts'
import { type Cluster, type ClusterEvent, type Plugin, type PodPlugin, unresolvable, unschedulable } from '../cycle/framework.ts'
import { type PodInfo, withOwnLabels } from '../snapshot/pod-info.ts'
import { type Constraining, type Constraint, createConstraining } from './spread-constraints.ts'
import { spreadScore } from './spread-score.ts'

const name = 'PodTopologySpread'
const skewed = unschedulable(name, "node(s) didn't match pod topology spread constraints")
const unlabelled = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)")

interface Spread {
  readonly constraint: Constraint
  /** Matching pods by domain, over the nodes that count. */
  readonly pods: Int32Array
  /** By domain, whether a node that counts is in it. */
  readonly isThere: Uint8Array
  fewest: number
}

const fewestOf = ({ minDomains }: Constraint, pods: Int32Array, isThere: Uint8Array): number => {
  let fewest = Number.MAX_SAFE_INTEGER
  let domains = 0
  for (let id = 0; id < pods.length; id += 1)
    if (isThere[id] === 1) {
      domains += 1
      fewest = Math.min(fewest, pods[id] as number)
    }
  // Too few domains: as if there were an empty one more.
  return domains < minDomains ? 0 : fewest
}

/** Whether what is on a node counts: it has all the keys of all constraints, and this one wants it. */
const isCounted = (constraint: Constraint, constraints: readonly Constraint[], slot: number): boolean =>
  constraints.every((each) => (each.domain.ids[slot] as number) >= 0) && constraint.counts(slot)

const spreadsOf = (constraints: readonly Constraint[], { snapshot }: Cluster): Spread[] => {
  const { order } = snapshot
  return constraints.map((constraint) => {
    const { domain, counter } = constraint
    const pods = new Int32Array(domain.size)
    const isThere = new Uint8Array(domain.size)
    for (const slot of order) {
      if (!isCounted(constraint, constraints, slot)) continue
      const id = domain.ids[slot] as number
      isThere[id] = 1
      pods[id] = (pods[id] as number) + (counter.counts[slot] as number)
    }
    return { constraint, pods, isThere, fewest: fewestOf(constraint, pods, isThere) }
  })
}

const spreadFilter = (pod: PodInfo, cluster: Cluster, constraintsOf: Constraining): Pick<PodPlugin, 'filter' | 'moved'> | undefined => {
  const { constraints } = constraintsOf(pod, cluster, 'DoNotSchedule')
  if (constraints.length === 0) return undefined
  const spreads = spreadsOf(constraints, cluster)
  return {
    filter: (slot) => {
      for (const { constraint, pods, fewest } of spreads) {
        const id = constraint.domain.ids[slot] as number
        if (id < 0) return unlabelled
        if ((pods[id] ?? 0) + (constraint.selfMatches ? 1 : 0) - fewest > constraint.maxSkew) return skewed
      }
      return undefined
    },
    moved: (other, slot, sign) => {
      for (const spread of spreads) {
        const { constraint, pods, isThere } = spread
        if (!constraint.meets(other) || !isCounted(constraint, constraints, slot)) continue
        const id = constraint.domain.ids[slot] as number
        pods[id] = (pods[id] as number) + sign
        spread.fewest = fewestOf(constraint, pods, isThere)
      }
    },
  }
}

/** Pods of one kind spread over the values of a node label: by constraint, or by the cluster's defaults where they only score. */
export const createPodTopologySpread = (args: InTreeArgs['PodTopologySpread']): Plugin => {
  const constraintsOf = createConstraining(args)
  return {
    name,
    points: ['preFilter', 'filter', 'preScore', 'score'],
    weight: 2,
    filterReads: 'snapshot',
    ownChanges: ['labels', 'tolerations'],
    reactsTo: ['node-added', 'node-updated', 'node-removed', 'pod-assigned', 'pod-updated', 'pod-removed'],
    begin: (pod, cluster) => {
      const filter = spreadFilter(pod, cluster, constraintsOf)
      const { constraints, areSystemDefaults } = constraintsOf(pod, cluster, 'ScheduleAnyway')
      if (!filter && constraints.length === 0) return 'skip'
      return { ...filter, ...(constraints.length > 0 ? spreadScore(constraints, !areSystemDefaults, cluster) : {}) }
    },
    hint: (event, pod) => {
      const own = pod.pod.spec.topologySpreadConstraints?.filter((each) => each.whenUnsatisfiable === 'DoNotSchedule') ?? []
      return own.length === 0 ? constraintsOf.mayFilterByDefault : mayEvenOut(event, pod, own)
    },
  }
}

/** Whether an event changes what the constraints count: the domains there are, or the pods in them. */
const mayEvenOut = (event: ClusterEvent, pod: PodInfo, constraints: readonly TopologySpreadConstraint[]): boolean => {
  const hasKeys = ({ metadata: { labels = {} } }: Node) => constraints.every(({ topologyKey }) => Object.hasOwn(labels, topologyKey))
  const isCounted = (other: PodInfo, selector: CompiledSelector) => !other.isTerminating && selector.matches(other.labels)
  const selectors = () =>
    constraints.map((each) => compileLabelSelector(withOwnLabels(each.labelSelector, pod.labels, each.matchLabelKeys)))
  switch (event.on) {
    case 'node-added':
    case 'node-removed':
      return hasKeys(event.node)
    case 'node-updated':
      return (event.changed.labels || event.changed.taints) && (hasKeys(event.node) || hasKeys(event.before))
    case 'pod-assigned':
    case 'pod-removed':
      return event.pod.namespace === pod.namespace && selectors().some((each) => each.matches(event.pod.labels))
    case 'pod-updated':
      return (
        event.pod.namespace === pod.namespace && selectors().some((each) => isCounted(event.before, each) !== isCounted(event.pod, each))
      )
    default:
      return false
  }
}

export const podTopologySpread: Plugin = createPodTopologySpread({ defaultingType: 'System' })
