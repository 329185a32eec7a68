import type { Node, Pod, PodAffinityTerm } from '@skiff/api'
import { compileLabelSelector, milliValue, quantityValue } from '@skiff/machinery'

// An oracle: it knows the rules by their definition alone, slowly, and shares no code with the plugins.

const requestOf = (pod: Pod, name: string): string => pod.spec.containers[0]?.resources?.requests?.[name] ?? '0'
const labelOf = (node: Node, key: string): string | undefined => node.metadata.labels?.[key]
const meant = (term: PodAffinityTerm, pod: Pod): boolean => compileLabelSelector(term.labelSelector).matches(pod.metadata.labels)
const portsOf = (pod: Pod): number[] => (pod.spec.containers[0]?.ports ?? []).flatMap((port) => port.hostPort ?? [])

export interface Placement {
  readonly nodes: readonly Node[]
  /** With spec.nodeName. */
  readonly placed: readonly Pod[]
}

/** What is wrong with `pod` going to `node` beside the pods placed already. */
export const complaints = (pod: Pod, node: Node, { nodes, placed }: Placement): string[] => {
  const wrong: string[] = []
  const beside = placed.filter((other) => other.spec.nodeName === node.metadata.name)
  const sum = (name: string, value: (text: string) => number) =>
    [...beside, pod].reduce((all, other) => all + value(requestOf(other, name)), 0)
  const { cpu = '0', memory = '0', pods = '0' } = node.status?.allocatable ?? {}
  if (sum('cpu', milliValue) > milliValue(cpu)) wrong.push('cpu')
  if (sum('memory', quantityValue) > quantityValue(memory)) wrong.push('memory')
  if (beside.length + 1 > Number(pods)) wrong.push('pods')
  if (node.spec.unschedulable) wrong.push('cordon')
  for (const taint of node.spec.taints ?? [])
    if (taint.effect !== 'PreferNoSchedule' && !pod.spec.tolerations?.some((each) => each.key === taint.key && each.value === taint.value))
      wrong.push('taint')
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) if (labelOf(node, key) !== value) wrong.push('nodeSelector')
  if (portsOf(pod).some((port) => beside.some((other) => portsOf(other).includes(port)))) wrong.push('hostPort')

  const nodeNamed = new Map(nodes.map((each) => [each.metadata.name, each]))
  const inDomain = (key: string) =>
    placed.filter((other) => {
      const there = nodeNamed.get(other.spec.nodeName ?? '')
      return labelOf(node, key) !== undefined && there !== undefined && labelOf(there, key) === labelOf(node, key)
    })
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  for (const term of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
    if (inDomain(term.topologyKey).some((other) => meant(term, other))) wrong.push('antiAffinity')
  for (const other of placed)
    for (const term of other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
      if (meant(term, pod) && inDomain(term.topologyKey).includes(other)) wrong.push('antiAffinity of another')
  for (const term of podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const isFirst =
      meant(term, pod) &&
      !placed.some(
        (other) => meant(term, other) && labelOf(nodeNamed.get(other.spec.nodeName ?? '') as Node, term.topologyKey) !== undefined,
      )
    if (labelOf(node, term.topologyKey) === undefined) wrong.push('affinity label')
    else if (!isFirst && !inDomain(term.topologyKey).some((other) => meant(term, other))) wrong.push('affinity')
  }
  for (const { topologyKey, maxSkew, labelSelector } of pod.spec.topologySpreadConstraints ?? []) {
    const counts = new Map<string, number>()
    for (const each of nodes) {
      const value = labelOf(each, topologyKey)
      const isUsable = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, wanted]) => labelOf(each, key) === wanted)
      if (value === undefined || !isUsable) continue
      const matching = placed.filter(
        (other) => other.spec.nodeName === each.metadata.name && compileLabelSelector(labelSelector).matches(other.metadata.labels),
      )
      counts.set(value, (counts.get(value) ?? 0) + matching.length)
    }
    const here = counts.get(labelOf(node, topologyKey) ?? '')
    if (here === undefined) wrong.push('spread label')
    else if (here + 1 - Math.min(...counts.values()) > maxSkew) wrong.push('spread')
  }
  return wrong
}
