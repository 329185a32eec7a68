import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from '@skiff/api'
import { type ClusterFacts, labelOf, nodeNamed, type Rule } from './cluster-facts.ts'
import { bearsTaints, selects, wantsNode } from './label-rules.ts'

/** Whether `other` has the labels that a constraint of `owner` asks for, those of its own label keys included. */
const means = ({ labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint, owner: Pod, other: Pod): boolean => {
  const [own, theirs] = [owner.metadata.labels ?? {}, other.metadata.labels ?? {}]
  return selects(labelSelector, theirs) && matchLabelKeys.every((key) => own[key] === undefined || own[key] === theirs[key])
}

/** Whether a term of `owner` speaks of `other`. */
const speaksOf = (term: PodAffinityTerm, owner: Pod, other: Pod, { namespaces }: ClusterFacts): boolean => {
  const there = other.metadata.namespace ?? ''
  const isNamed = term.namespaces?.includes(there) ?? false
  const isSelected = term.namespaceSelector !== undefined && selects(term.namespaceSelector, namespaces.get(there))
  const isOwn = !term.namespaces?.length && !term.namespaceSelector && there === owner.metadata.namespace
  // What its label keys ask for is in the selector since it was created.
  return (isNamed || isSelected || isOwn) && selects(term.labelSelector, other.metadata.labels ?? {})
}

const shareDomain = (key: string, a: Node | undefined, b: Node | undefined): boolean =>
  labelOf(a, key) !== undefined && labelOf(a, key) === labelOf(b, key)

const required = (pod: Pod, which: 'podAffinity' | 'podAntiAffinity'): readonly PodAffinityTerm[] =>
  pod.spec.affinity?.[which]?.requiredDuringSchedulingIgnoredDuringExecution ?? []

const affinity: Rule = (pod, node, facts) => {
  const terms = required(pod, 'podAffinity')
  // As upstream: only pods that all terms speak of count for any of them.
  const friends = facts.placed.filter((other) => terms.every((term) => speaksOf(term, pod, other, facts)))
  const nodeOf = (other: Pod) => nodeNamed(facts, other.spec.nodeName)
  const isFirst =
    !friends.some((other) => terms.some(({ topologyKey }) => labelOf(nodeOf(other), topologyKey) !== undefined)) &&
    terms.every((term) => speaksOf(term, pod, pod, facts))
  const isMet = terms.every(({ topologyKey }) =>
    isFirst ? labelOf(node, topologyKey) !== undefined : friends.some((other) => shareDomain(topologyKey, node, nodeOf(other))),
  )
  return isMet ? '' : 'affinity'
}

const refuses = (owner: Pod, other: Pod, a: Node | undefined, b: Node | undefined, facts: ClusterFacts): boolean =>
  required(owner, 'podAntiAffinity').some((term) => speaksOf(term, owner, other, facts) && shareDomain(term.topologyKey, a, b))

const antiAffinity: Rule = (pod, node, facts) =>
  facts.placed.some((other) => refuses(pod, other, node, nodeNamed(facts, other.spec.nodeName), facts)) ? 'anti-affinity' : ''

export const antiAffinityOfAnother = 'anti-affinity of another'
const antiAffinityOfOthers: Rule = (pod, node, facts) =>
  facts.placed.some((other) => refuses(other, pod, node, nodeNamed(facts, other.spec.nodeName), facts)) ? antiAffinityOfAnother : ''

/** Pods by domain, over the nodes that one constraint counts. */
const domainsOf = (pod: Pod, each: TopologySpreadConstraint, keys: readonly string[], { nodes, placed }: ClusterFacts) => {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    if (!keys.every((key) => labelOf(node, key) !== undefined)) continue
    if (each.nodeAffinityPolicy !== 'Ignore' && !wantsNode(pod, node)) continue
    if (each.nodeTaintsPolicy === 'Honor' && !bearsTaints(pod, node)) continue
    const alike = placed.filter(
      (other) =>
        other.spec.nodeName === node.metadata.name &&
        other.metadata.namespace === pod.metadata.namespace &&
        !other.metadata.deletionTimestamp &&
        means(each, pod, other),
    )
    const value = labelOf(node, each.topologyKey) ?? ''
    counts.set(value, (counts.get(value) ?? 0) + alike.length)
  }
  return counts
}

const spread: Rule = (pod, node, facts) => {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter((each) => each.whenUnsatisfiable === 'DoNotSchedule')
  const keys = hard.map((each) => each.topologyKey)
  if (keys.some((key) => labelOf(node, key) === undefined)) return 'spread: label'
  for (const each of hard) {
    const counts = domainsOf(pod, each, keys, facts)
    const fewest = counts.size < (each.minDomains ?? 1) ? 0 : Math.min(...counts.values())
    const here = counts.get(labelOf(node, each.topologyKey) ?? '') ?? 0
    if (here + (means(each, pod, pod) ? 1 : 0) - fewest > each.maxSkew) return 'spread'
  }
  return ''
}

export const neighbourRules: readonly Rule[] = [affinity, antiAffinity, antiAffinityOfOthers, spread]
