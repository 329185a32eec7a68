import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '@skiff/api'
import type { Labels } from '@skiff/machinery'

export type NodeMatcher = (node: Node) => boolean

const integer = /^[+-]?\d+$/
/** As Go reads an int64; undefined for what is none. */
const int64Of = (text: string | undefined): bigint | undefined => {
  if (text === undefined || !integer.test(text)) return undefined
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text.replace('+', ''))
  return BigInt.asIntN(64, value) === value ? value : undefined
}
const compared = (value: string | undefined, limits: readonly string[] = [], holds: (a: bigint, b: bigint) => boolean): boolean => {
  const [a, b] = [int64Of(value), int64Of(limits[0])]
  return limits.length === 1 && a !== undefined && b !== undefined && holds(a, b)
}

const meets = ({ key, operator, values }: NodeSelectorRequirement, labels: Labels): boolean => {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && (values?.includes(value) ?? false)
    case 'NotIn':
      return value === undefined || !values?.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return compared(value, values, (a, b) => a > b)
    case 'Lt':
      return compared(value, values, (a, b) => a < b)
  }
}

/** A term that asks for nothing matches no node, as upstream. */
export const matchesTerm = ({ matchExpressions, matchFields }: NodeSelectorTerm, node: Node): boolean => {
  if (!matchExpressions?.length && !matchFields?.length) return false
  const labels = node.metadata.labels ?? {}
  const fields = { 'metadata.name': node.metadata.name }
  return (matchExpressions ?? []).every((each) => meets(each, labels)) && (matchFields ?? []).every((each) => meets(each, fields))
}

/** Terms are alternatives. */
export const matchesNodeSelector = (selector: NodeSelector, node: Node): boolean =>
  selector.nodeSelectorTerms.some((term) => matchesTerm(term, node))

/** spec.nodeSelector and the required node affinity together; undefined when the pod asks for neither. */
export const requiredNodes = (pod: Pod): NodeMatcher | undefined => {
  const wanted = Object.entries(pod.spec.nodeSelector ?? {})
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (wanted.length === 0 && !required) return undefined
  return (node) => {
    const labels = node.metadata.labels ?? {}
    return wanted.every(([key, value]) => labels[key] === value) && (!required || matchesNodeSelector(required, node))
  }
}
