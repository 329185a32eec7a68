import type { LabelSelector, NodeSelectorTerm } from '../generated/types.ts'
import { keysOf } from './faults.ts'

const instead = (since: string, label: string): string => `deprecated since ${since}; use "${label}" instead`
const deprecated: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', instead('v1.14', 'kubernetes.io/arch')],
  ['beta.kubernetes.io/os', instead('v1.14', 'kubernetes.io/os')],
  ['failure-domain.beta.kubernetes.io/region', instead('v1.17', 'topology.kubernetes.io/region')],
  ['failure-domain.beta.kubernetes.io/zone', instead('v1.17', 'topology.kubernetes.io/zone')],
  ['beta.kubernetes.io/instance-type', instead('v1.17', 'node.kubernetes.io/instance-type')],
])

/** What upstream says of a node label that has a successor. */
export const nodeLabelWarning = (label: string): string | undefined => deprecated.get(label)

/** Of one term of a node affinity. */
export const termWarnings = ({ matchExpressions = [] }: NodeSelectorTerm, path: string): readonly string[] =>
  matchExpressions.flatMap(({ key = '' }, index) => {
    const text = nodeLabelWarning(key)
    return text === undefined ? [] : [`${path}.matchExpressions[${index}].key: ${key} is ${text}`]
  })

/** Of a label selector over nodes. */
export const nodeSelectorWarnings = (selector: LabelSelector | undefined, path: string): readonly string[] => [
  ...termWarnings((selector ?? {}) as NodeSelectorTerm, path),
  ...keysOf(selector?.matchLabels).flatMap((key) => {
    const text = nodeLabelWarning(key)
    return text === undefined ? [] : [`${path}.matchLabels.${key}: ${text}`]
  }),
]
