import { type Plugin, unresolvable } from '../cycle/framework.ts'

const name = 'NodeName'
const elsewhere = unresolvable(name, "node(s) didn't match the requested node name")

/** A pod that names its node goes nowhere else. */
export const nodeName: Plugin = {
  name,
  points: ['filter'],
  perNode: true,
  ownChanges: [],
  reactsTo: ['node-added'],
  begin: ({ pod }, { snapshot }) => {
    const wanted = pod.spec.nodeName
    if (!wanted) return 'skip'
    return { filter: (slot) => (snapshot.node(slot)?.name === wanted ? undefined : elsewhere) }
  },
  hint: (event) => event.on === 'node-added',
}
