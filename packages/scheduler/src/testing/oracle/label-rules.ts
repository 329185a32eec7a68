import type { Node, NodeSelectorRequirement, Pod } from '@skiff/api'
import type { Labels, Rule } from './cluster-facts.ts'

interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[]
}

/** No selector selects nothing; an empty one everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels = {}): boolean => {
  if (!selector) return false
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels[key]
    if (operator === 'In' && (value === undefined || !values.includes(value))) return false
    if (operator === 'NotIn' && value !== undefined && values.includes(value)) return false
    if (operator === 'Exists' && value === undefined) return false
    if (operator === 'DoesNotExist' && value !== undefined) return false
  }
  return true
}

const meets = ({ key, operator, values = [] }: NodeSelectorRequirement, labels: Labels): boolean => {
  if (operator !== 'Gt' && operator !== 'Lt') return selects({ matchExpressions: [{ key, operator, values }] }, labels)
  const [value, limit] = [Number.parseInt(labels[key] ?? '', 10), Number.parseInt(values[0] ?? '', 10)]
  return operator === 'Gt' ? value > limit : value < limit
}

/** Whether the pod's node selector and required node affinity let it on a node. */
export const wantsNode = ({ spec }: Pod, { metadata }: Node): boolean => {
  if (!selects({ matchLabels: spec.nodeSelector ?? {} }, metadata.labels)) return false
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms) return true
  return terms.some(({ matchExpressions = [], matchFields = [] }) => {
    if (matchExpressions.length + matchFields.length === 0) return false
    const isNamed = matchFields.every((each) => meets(each, { 'metadata.name': metadata.name }))
    return isNamed && matchExpressions.every((each) => meets(each, metadata.labels ?? {}))
  })
}

/** Whether every taint of the node that keeps pods off is tolerated. */
export const bearsTaints = ({ spec }: Pod, node: Node): boolean =>
  (node.spec.taints ?? []).every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      (spec.tolerations ?? []).some(
        ({ key = '', operator = 'Equal', value = '', effect = '' }) =>
          (effect === '' || effect === taint.effect) &&
          (key === '' || key === taint.key) &&
          (operator === 'Exists' || value === (taint.value ?? '')),
      ),
  )

const cordon: Rule = (pod, node) => {
  const asTaint = { ...node, spec: { taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' as const }] } }
  return node.spec.unschedulable && !bearsTaints(pod, asTaint) ? 'cordon' : ''
}

export const labelRules: readonly Rule[] = [
  cordon,
  (pod, node) => (bearsTaints(pod, node) ? '' : 'taint'),
  (pod, node) => (wantsNode(pod, node) ? '' : 'node selector or affinity'),
]
