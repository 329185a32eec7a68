import { type Plugin, unresolvable, type Verdict } from '../cycle/framework.ts'
import { normalizeByHighest } from '../match/normalize.ts'
import { tolerated, untolerated } from '../match/tolerations.ts'

const name = 'TaintToleration'

/** NoSchedule and NoExecute taints keep pods off; PreferNoSchedule taints count against a node. */
export const taintToleration: Plugin = {
  name,
  points: ['filter', 'preScore', 'score'],
  weight: 3,
  perNode: true,
  ownChanges: ['tolerations'],
  reactsTo: ['node-added', 'node-updated'],
  begin: ({ pod }, { snapshot }) => {
    const { tolerations } = pod.spec
    const refusals = new Map<string, Verdict>()
    const refusal = (key: string, value: string): Verdict => {
      const text = `node(s) had untolerated taint {${key}: ${value}}`
      const made = refusals.get(text) ?? unresolvable(name, text)
      refusals.set(text, made)
      return made
    }
    const forSoft = tolerations?.filter((each) => !each.effect || each.effect === 'PreferNoSchedule')
    return {
      filter: (slot) => {
        const taints = snapshot.node(slot)?.node.spec?.taints
        if (!taints) return undefined
        const taint = untolerated(taints, tolerations)
        return taint && refusal(taint.key, taint.value ?? '')
      },
      prepareScore: () => snapshot.softTaintedNodes > 0,
      score: (slot) => {
        const taints = snapshot.node(slot)?.node.spec?.taints ?? []
        return taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerated(taint, forSoft)).length
      },
      normalize: (scores: Float64Array) => normalizeByHighest(scores, true),
    }
  },
  hint: (event, { pod: { spec } }) => {
    if (event.on !== 'node-added' && event.on !== 'node-updated') return false
    const wasTolerated = event.on === 'node-updated' && !untolerated(event.before.spec?.taints, spec.tolerations)
    return !wasTolerated && !untolerated(event.node.spec?.taints, spec.tolerations)
  },
}
