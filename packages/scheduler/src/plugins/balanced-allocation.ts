import type { ResourceWeight } from '../config/configuration.ts'
import type { Plugin, PodPlugin } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { loadsOf } from './resource-strategies.ts'

/** Nodes whose resources would be used in equal parts score best; pods that ask for none of them do not care. */
export const createBalancedAllocation = (resources: readonly ResourceWeight[]): Plugin => {
  const isUsual = resources.length === 2 && resources[0]?.name === 'cpu' && resources[1]?.name === 'memory'
  return {
    name: 'NodeResourcesBalancedAllocation',
    weight: 1,
    points: ['preScore', 'score'],
    reactsTo: [],
    begin: (pod, { snapshot }) => {
      if (!pod.requests.some(([name]) => resources.some((each) => each.name === name))) return 'skip'
      return { score: isUsual ? cpuAndMemoryScore(pod, snapshot) : anyScore(resources, pod, snapshot) }
    },
  }
}

type Score = NonNullable<PodPlugin['score']>

const cpuAndMemoryScore = (pod: PodInfo, { columns }: Snapshot): Score => {
  const asked = new Map(pod.requests)
  const cpuMilli = asked.get('cpu') ?? 0
  const memoryBytes = asked.get('memory') ?? 0
  const cpu = columns.column('cpu')
  const memory = columns.column('memory')
  return (slot) => {
    const hasCpu = cpu.allocatable[slot] as number
    const hasMemory = memory.allocatable[slot] as number
    // Of one resource alone there is no imbalance.
    if (hasCpu === 0 || hasMemory === 0) return 100
    const cpuShare = Math.min(1, ((cpu.used[slot] as number) + cpuMilli) / hasCpu)
    const memoryShare = Math.min(1, ((memory.used[slot] as number) + memoryBytes) / hasMemory)
    // The standard deviation of two numbers is half their distance.
    return Math.trunc((1 - Math.abs(cpuShare - memoryShare) / 2) * 100)
  }
}

const anyScore = (resources: readonly ResourceWeight[], pod: PodInfo, snapshot: Snapshot): Score => {
  const loads = loadsOf(resources, pod, snapshot, false)
  return (slot) => {
    const shares: number[] = []
    for (const load of loads) {
      const all = load.allocatable(slot)
      if (all > 0) shares.push(Math.min(1, load.asked(slot) / all))
    }
    if (shares.length === 0) return 100
    if (shares.length === 2) return Math.trunc((1 - Math.abs(((shares[0] as number) - (shares[1] as number)) / 2)) * 100)
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length
    return Math.trunc((1 - Math.sqrt(variance)) * 100)
  }
}

export const balancedAllocation: Plugin = createBalancedAllocation([
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
])
