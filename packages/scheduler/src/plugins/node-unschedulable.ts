import type { Taint } from '@skiff/api'
import { type Plugin, unresolvable } from '../cycle/framework.ts'
import { tolerated } from '../match/tolerations.ts'

const name = 'NodeUnschedulable'
const cordon: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const cordoned = unresolvable(name, 'node(s) were unschedulable')

/** Cordoned nodes take only pods that tolerate it. */
export const nodeUnschedulable: Plugin = {
  name,
  points: ['filter'],
  perNode: true,
  ownChanges: ['tolerations'],
  reactsTo: ['node-added', 'node-updated'],
  begin: ({ pod }, { snapshot }) => {
    if (tolerated(cordon, pod.spec.tolerations)) return 'skip'
    return { filter: (slot) => (snapshot.node(slot)?.node.spec?.unschedulable ? cordoned : undefined) }
  },
  hint: (event) => {
    if (event.on === 'node-added') return !event.node.spec?.unschedulable
    return event.on === 'node-updated' && event.before.spec?.unschedulable === true && !event.node.spec?.unschedulable
  },
}
