import type { Node } from '@skiff/api'
import type { AdmissionPlugin } from './admission.ts'

const key = 'node.kubernetes.io/not-ready'

/** New nodes take no pods until the node lifecycle controller has seen them ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate: ({ kind, verb, subresource, object }) => {
    if (kind.group !== '' || kind.plural !== 'nodes' || verb !== 'create' || subresource !== undefined || !object) return object
    const node = object as Node
    const taints = node.spec?.taints ?? []
    if (taints.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) return node
    return { ...node, spec: { ...node.spec, taints: [...taints, { key, effect: 'NoSchedule' }] } } as Node
  },
}
