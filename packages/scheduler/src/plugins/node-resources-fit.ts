import { type ClusterEvent, type Plugin, unresolvable, unschedulable, type Verdict } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { amountsOf } from '../snapshot/requests.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

const name = 'NodeResourcesFit'

interface Need {
  readonly resource: string
  readonly amount: number
  readonly allocatable: Float64Array
  readonly used: Float64Array
}

const needsOf = (pod: PodInfo, snapshot: Snapshot): Need[] => [
  { resource: 'pods', amount: 1, ...snapshot.columns.column('pods') },
  ...pod.requests.map(([resource, amount]) => ({ resource, amount, ...snapshot.columns.column(resource) })),
]

/** All that a node lacks, in upstream's order: pods, cpu, memory, ephemeral-storage, then what else is asked for. */
const verdictAt = (needs: readonly Need[], slot: number, made: Map<string, Verdict>): Verdict => {
  const reasons: string[] = []
  let beyondAll = false
  for (const { resource, amount, allocatable, used } of needs) {
    const limit = allocatable[slot] ?? 0
    if (amount <= limit - (used[slot] ?? 0)) continue
    reasons.push(resource === 'pods' ? 'Too many pods' : `Insufficient ${resource}`)
    // More than the whole node has: no pod's removal would help.
    if (resource !== 'pods' && amount > limit) beyondAll = true
  }
  const key = `${beyondAll} ${reasons.join()}`
  const verdict = made.get(key) ?? (beyondAll ? unresolvable(name, ...reasons) : unschedulable(name, ...reasons))
  made.set(key, verdict)
  return verdict
}

/** The pod fits what is free, and the node with the most left (LeastAllocated over cpu and memory) scores best. */
export const nodeResourcesFit: Plugin = {
  name,
  weight: 1,
  reactsTo: ['node-added', 'node-updated', 'pod-removed', 'pod-updated'],
  begin: (pod, { snapshot }) => {
    const needs = needsOf(pod, snapshot)
    const made = new Map<string, Verdict>()
    const { scoredCpuMilli, scoredMemoryBytes } = snapshot.columns
    const cpu = snapshot.columns.column('cpu').allocatable
    const memory = snapshot.columns.column('memory').allocatable
    return {
      filter: (slot) => {
        for (const { amount, allocatable, used } of needs)
          if (amount > (allocatable[slot] as number) - (used[slot] as number)) return verdictAt(needs, slot, made)
        return undefined
      },
      score: (slot) => {
        const cpuScore = freeShare((scoredCpuMilli[slot] as number) + pod.scoredCpuMilli, cpu[slot] as number)
        const memoryScore = freeShare((scoredMemoryBytes[slot] as number) + pod.scoredMemoryBytes, memory[slot] as number)
        return Math.trunc((cpuScore + memoryScore) / 2)
      },
    }
  },
  hint: (event, pod) => roomMayAppear(event, pod),
}

const freeShare = (asked: number, all: number): number => (all === 0 || asked > all ? 0 : Math.trunc(((all - asked) * 100) / all))

const roomMayAppear = (event: ClusterEvent, pod: PodInfo): boolean => {
  switch (event.on) {
    case 'node-added':
      return couldHold(event, pod)
    case 'node-updated':
      return event.changed.allocatable && couldHold(event, pod)
    case 'pod-removed':
      return true
    case 'pod-updated': {
      const before = new Map(event.before.requests)
      const now = new Map(event.pod.requests)
      return pod.requests.some(([resource]) => (now.get(resource) ?? 0) < (before.get(resource) ?? 0))
    }
    default:
      return false
  }
}

const couldHold = ({ node }: ClusterEvent & { on: 'node-added' | 'node-updated' }, pod: PodInfo): boolean => {
  const has = amountsOf(node.status?.allocatable)
  return pod.requests.every(([resource, amount]) => amount <= (has.get(resource) ?? 0))
}
