import type { Pod, PodAffinityTerm } from '@skiff/api'
import type { CompiledSelector, Labels } from '@skiff/machinery'
import { compileLabelSelector, keyOf } from '@skiff/machinery'
import { podAmounts, scoredAmounts } from './requests.ts'

/** A pod's affinity term, compiled. Terms of equal `key` mean the same. */
export interface Term {
  readonly key: string
  readonly topologyKey: string
  readonly namespaces: ReadonlySet<string>
  /** Namespaces by their labels, besides those named. */
  readonly namespaceSelector: CompiledSelector | undefined
  readonly selector: CompiledSelector
}
export interface WeightedTerm {
  readonly weight: number
  readonly term: Term
}
export interface HostPort {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

/** A pod with all that plugins ask of it, computed once a version. Never changed. */
export interface PodInfo {
  readonly pod: Pod
  readonly key: string
  readonly uid: string
  readonly namespace: string
  readonly labels: Labels
  readonly priority: number
  /** cpu in milli-CPU, all else in whole units; zero amounts are left out. */
  readonly requests: readonly (readonly [name: string, amount: number])[]
  readonly scoredCpuMilli: number
  readonly scoredMemoryBytes: number
  readonly hostPorts: readonly HostPort[]
  readonly requiredAffinity: readonly Term[]
  readonly requiredAntiAffinity: readonly Term[]
  readonly preferredAffinity: readonly WeightedTerm[]
  readonly preferredAntiAffinity: readonly WeightedTerm[]
  readonly isTerminating: boolean
  /** The claims of its volumes, generated ones of ephemeral volumes included. */
  readonly claims: readonly string[]
}

/** The labels that `matchLabelKeys` takes from the pod itself, as more requirements. */
export const withOwnLabels = (
  selector: PodAffinityTerm['labelSelector'],
  labels: Labels,
  same: readonly string[] | undefined,
): PodAffinityTerm['labelSelector'] => {
  if (!selector || !same?.length) return selector
  const taken = same
    .filter((key) => Object.hasOwn(labels, key))
    .map((key) => ({ key, operator: 'In' as const, values: [labels[key] as string] as readonly string[] }))
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...taken] }
}

const compileTerm = (term: PodAffinityTerm, namespace: string): Term => {
  // Neither namespaces nor a selector of them: the pod's own.
  const named = term.namespaces?.length || term.namespaceSelector ? (term.namespaces ?? []) : [namespace]
  // What matchLabelKeys and mismatchLabelKeys ask for is in the selector already: the API server put it there, once and for all.
  const selector = term.labelSelector
  const namespaces = [...named].sort()
  return {
    key: JSON.stringify([namespaces, term.namespaceSelector, selector, term.topologyKey]),
    topologyKey: term.topologyKey,
    namespaces: new Set(namespaces),
    namespaceSelector: term.namespaceSelector ? compileLabelSelector(term.namespaceSelector) : undefined,
    selector: compileLabelSelector(selector),
  }
}

const hostPortsOf = (pod: Pod): HostPort[] => {
  const ports: HostPort[] = []
  const sidecars = pod.spec.initContainers?.filter((each) => each.restartPolicy === 'Always') ?? []
  for (const container of [...sidecars, ...pod.spec.containers])
    for (const { hostPort, hostIP, protocol } of container.ports ?? [])
      if (hostPort) ports.push({ ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP', port: hostPort })
  return ports
}

const none: readonly never[] = []
const claimsOf = ({ spec, metadata }: Pod): readonly string[] =>
  (spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [volume.persistentVolumeClaim.claimName]
    return volume.ephemeral ? [`${metadata.name}-${volume.name}`] : []
  })

export const podInfoOf = (pod: Pod): PodInfo => {
  const { spec, metadata } = pod
  const namespace = metadata.namespace ?? ''
  const labels = metadata.labels ?? {}
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {}
  const term = (each: PodAffinityTerm) => compileTerm(each, namespace)
  const weighted = (each: { readonly weight: number; readonly podAffinityTerm: PodAffinityTerm }) => ({
    weight: each.weight,
    term: term(each.podAffinityTerm),
  })
  const scored = scoredAmounts(pod)
  return {
    pod,
    key: keyOf(pod),
    uid: metadata.uid,
    namespace,
    labels,
    priority: spec.priority ?? 0,
    requests: [...podAmounts(pod)].filter(([, amount]) => amount > 0),
    scoredCpuMilli: scored.get('cpu') ?? 0,
    scoredMemoryBytes: scored.get('memory') ?? 0,
    hostPorts: hostPortsOf(pod),
    requiredAffinity: podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.map(term) ?? none,
    requiredAntiAffinity: podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.map(term) ?? none,
    preferredAffinity: podAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.map(weighted) ?? none,
    preferredAntiAffinity: podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution?.map(weighted) ?? none,
    isTerminating: metadata.deletionTimestamp !== undefined,
    claims: spec.volumes ? claimsOf(pod) : none,
  }
}

/** Pods of equal class get equal answers from plugins that look at the node object alone. */
export const nodeClassOf = ({ pod: { spec } }: PodInfo): string =>
  JSON.stringify([
    spec.nodeName,
    spec.nodeSelector,
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
    spec.tolerations,
  ])
