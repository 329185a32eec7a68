import type { Diagnosis } from './framework.ts'

/** "1 Insufficient cpu, 2 node(s) were unschedulable": sorted as text, as upstream. */
const histogram = (reasons: ReadonlyMap<string, number>): string => {
  const parts = [...reasons].map(([reason, count]) => `${count} ${reason}`)
  return parts.sort((a, b) => (a < b ? -1 : 1)).join(', ')
}

const count = (reasons: Map<string, number>, reason: string, by = 1): void => {
  reasons.set(reason, (reasons.get(reason) ?? 0) + by)
}

export const noNodesText = 'no nodes available to schedule pods'

/** The text of the pod's condition and event; `preemption` is what preemption has to say. */
export const fitErrorText = (diagnosis: Diagnosis, preemption = ''): string => {
  const { nodeCount, atBegin, verdicts, leftOutBy } = diagnosis
  let text = `0/${nodeCount} nodes are available:`
  if (atBegin) text += ` ${atBegin.reasons.join(', ')}.`
  else {
    const reasons = new Map<string, number>()
    for (const verdict of verdicts.values()) for (const reason of verdict.reasons) count(reasons, reason)
    const leftOut = nodeCount - verdicts.size
    if (leftOut > 0 && leftOutBy.length > 0) count(reasons, `node(s) didn't satisfy plugin(s) [${leftOutBy.toSorted().join(' ')}]`, leftOut)
    if (reasons.size > 0) text += ` ${histogram(reasons)}.`
  }
  return preemption === '' ? text : `${text} ${preemption}`
}

const notHelpful = 'Preemption is not helpful for scheduling'
export const noVictims = 'No preemption victims found for incoming pod'

/** What preemption says when it found no node either; `tried` holds what a trial on a node gave. */
export const preemptionText = ({ nodeCount, atBegin, verdicts }: Diagnosis, tried: ReadonlyMap<number, readonly string[]>): string => {
  const reasons = new Map<string, number>()
  if (atBegin?.unresolvable) count(reasons, notHelpful, nodeCount)
  else if (atBegin) for (const why of tried.values()) for (const reason of why) count(reasons, reason)
  else {
    for (const [slot, verdict] of verdicts) {
      if (verdict.unresolvable) count(reasons, notHelpful)
      else for (const reason of tried.get(slot) ?? []) count(reasons, reason)
    }
    if (nodeCount > verdicts.size) count(reasons, notHelpful, nodeCount - verdicts.size)
  }
  return `preemption: 0/${nodeCount} nodes are available: ${histogram(reasons)}.`
}
