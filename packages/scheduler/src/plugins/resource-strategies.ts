import type { ScoringStrategy, ShapePoint } from '../config/configuration.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/** One resource of a node, with the pod on it. */
export interface Load {
  readonly weight: number
  /** 0 where the node lacks the resource: it does not count there. */
  allocatable(slot: number): number
  asked(slot: number): number
}

/** Resources with names of their own: devices and the like. Pods that ask for none of them are not scored by them. */
const isScalar = (name: string): boolean => !['cpu', 'memory', 'ephemeral-storage'].includes(name)

/** `assumed`: containers that name no cpu or memory count with upstream's assumed amounts. */
export const loadsOf = (
  resources: readonly { readonly name: string; readonly weight: number }[],
  pod: PodInfo,
  { columns }: Snapshot,
  assumed: boolean,
): Load[] => {
  const own = new Map(pod.requests)
  return resources.flatMap(({ name, weight }) => {
    const amount = own.get(name) ?? 0
    if (amount === 0 && isScalar(name)) return []
    const { allocatable, used } = columns.column(name)
    const scored = assumed && name === 'cpu' ? columns.scoredCpuMilli : assumed && name === 'memory' ? columns.scoredMemoryBytes : used
    const more = scored === used ? amount : name === 'cpu' ? pod.scoredCpuMilli : pod.scoredMemoryBytes
    return [{ weight, allocatable: (slot: number) => allocatable[slot] ?? 0, asked: (slot: number) => (scored[slot] ?? 0) + more }]
  })
}

/** The share of `all` that is left once `asked` is taken, 0..100. */
export const freeShare = (asked: number, all: number): number => (all === 0 || asked > all ? 0 : Math.trunc(((all - asked) * 100) / all))
const takenShare = (asked: number, all: number): number => Math.trunc((Math.min(asked, all) * 100) / all)

/** The score at `utilization` on a line through the points, in upstream's whole numbers. */
export const lineThrough = (shape: readonly ShapePoint[]): ((utilization: number) => number) => {
  const points = shape.map(({ utilization, score }) => ({ utilization, score: score * 10 }))
  return (utilization) => {
    for (const [index, point] of points.entries()) {
      if (utilization > point.utilization) continue
      const before = points[index - 1]
      if (!before) return point.score
      const rise = (point.score - before.score) * (utilization - before.utilization)
      return before.score + Math.trunc(rise / (point.utilization - before.utilization))
    }
    return points.at(-1)?.score ?? 0
  }
}

/** How a node scores by its loads, under upstream's three strategies. */
export const strategyScore = ({ type, requestedToCapacityRatio }: ScoringStrategy): ((loads: readonly Load[], slot: number) => number) => {
  if (type !== 'RequestedToCapacityRatio') return weightedMean(type === 'MostAllocated' ? takenShare : freeShare, false)
  const line = lineThrough(requestedToCapacityRatio?.shape ?? [])
  return weightedMean((asked, all) => line(asked > all ? 100 : Math.trunc((asked * 100) / all)), true)
}

/** `leavesZeroOut`: resources that score nothing do not count, and the mean is rounded. Both are RequestedToCapacityRatio's own. */
const weightedMean = (score: (asked: number, all: number) => number, leavesZeroOut: boolean) => (loads: readonly Load[], slot: number) => {
  let sum = 0
  let weights = 0
  for (const load of loads) {
    const all = load.allocatable(slot)
    if (all === 0) continue
    const one = score(load.asked(slot), all)
    if (leavesZeroOut && one <= 0) continue
    sum += one * load.weight
    weights += load.weight
  }
  if (weights === 0) return 0
  return leavesZeroOut ? Math.round(sum / weights) : Math.trunc(sum / weights)
}
