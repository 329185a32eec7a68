import type { Node, Pod } from '@skiff/api'
import { amountRules } from './oracle/amount-rules.ts'
import type { ClusterFacts, Rule } from './oracle/cluster-facts.ts'
import { labelRules } from './oracle/label-rules.ts'
import { neighbourRules } from './oracle/neighbour-rules.ts'
import { volumeRules } from './oracle/volume-rules.ts'

// An oracle: it knows the rules by their definition alone, slowly, and shares no code with the plugins.
const rules: readonly Rule[] = [...amountRules, ...labelRules, ...neighbourRules, ...volumeRules]

/** What is wrong with `pod` going to `node` beside the pods placed already. */
export const complaints = (pod: Pod, node: Node, facts: ClusterFacts): string[] => {
  const wrong: string[] = []
  for (const rule of rules) {
    const why = rule(pod, node, facts)
    if (why) wrong.push(why)
  }
  return wrong
}
