import type { Plugin } from '../cycle/framework.ts'

/** Nodes whose cpu and memory would be used in equal parts score best; pods that ask for nothing do not care. */
export const balancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  begin: (pod, { snapshot }) => {
    const asked = new Map(pod.requests)
    const cpuMilli = asked.get('cpu') ?? 0
    const memoryBytes = asked.get('memory') ?? 0
    if (cpuMilli === 0 && memoryBytes === 0) return 'skip'
    const cpu = snapshot.columns.column('cpu')
    const memory = snapshot.columns.column('memory')
    return {
      score: (slot) => {
        const hasCpu = cpu.allocatable[slot] as number
        const hasMemory = memory.allocatable[slot] as number
        if (hasCpu === 0 || hasMemory === 0) return 100
        const cpuShare = Math.min(1, ((cpu.used[slot] as number) + cpuMilli) / hasCpu)
        const memoryShare = Math.min(1, ((memory.used[slot] as number) + memoryBytes) / hasMemory)
        // The standard deviation of two numbers is half their distance.
        return Math.trunc((1 - Math.abs(cpuShare - memoryShare) / 2) * 100)
      },
    }
  },
}
