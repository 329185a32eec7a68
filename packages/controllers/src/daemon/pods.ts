import type { DaemonSet, Pod, PodSpec } from '@skiff/api'
import { daemonSet as daemonSets } from '@skiff/api'
import type { Draft } from '@skiff/client'
import { controlledBy } from '../ownership.ts'
import { podFromTemplate } from '../pods.ts'
import { withDaemonTolerations } from './fits.ts'

export const hashLabel = 'controller-revision-hash'
const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** The node a daemon pod is meant for, before and after it is bound. */
export const targetNode = (pod: Pod): string | undefined => {
  if (pod.spec.nodeName) return pod.spec.nodeName
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.flatMap((term) => term.matchFields ?? []).find((field) => field.key === 'metadata.name')?.values?.[0]
}

/** Bound to a node by affinity, so that the scheduler still has its say; every other required term is replaced. */
const pinned = (spec: PodSpec, node: string): PodSpec => {
  const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [node] }] }] }
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required }
  return { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: withDaemonTolerations(spec) } as PodSpec
}

export const daemonPod = (set: DaemonSet, node: string, hash: string): Draft<Pod> => {
  const { template } = set.spec
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = { ...template.metadata?.labels, [hashLabel]: hash, ...(generation ? { [generationLabel]: generation } : {}) }
  const spec = pinned(template.spec ?? { containers: [] }, node)
  return podFromTemplate(
    { metadata: { ...template.metadata, labels } as never, spec },
    controlledBy(daemonSets, set),
    set.metadata.namespace,
  )
}

export const isCurrent = (set: DaemonSet, pod: Pod, hash: string): boolean => {
  const generation = set.metadata.annotations?.[generationAnnotation]
  const labels = pod.metadata.labels ?? {}
  return labels[hashLabel] === hash || (generation !== undefined && labels[generationLabel] === generation)
}

/** Those on a node first, then the oldest. */
export const bySeniority = (a: Pod, b: Pod): number =>
  Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) ||
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
  (a.metadata.name < b.metadata.name ? -1 : 1)
