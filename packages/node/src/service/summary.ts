import type { Pod } from '@skiff/api'
import { rfc3339, rfc3339Micro } from '@skiff/machinery'
import { labels } from '../pods/naming.ts'
import type { ContainerStats } from '../runtimes/runtime.ts'

interface CpuStats {
  readonly time: string
  readonly usageNanoCores: number
  readonly usageCoreNanoSeconds: number
}
interface MemoryStats {
  readonly time: string
  readonly availableBytes?: number
  readonly usageBytes: number
  readonly workingSetBytes: number
  readonly rssBytes: number
  readonly pageFaults: number
  readonly majorPageFaults: number
}
interface FsStats {
  readonly time: string
  readonly usedBytes: number
  readonly inodesUsed: number
}
export interface ContainerSummaryStats {
  readonly name: string
  readonly startTime: string
  readonly cpu: CpuStats
  readonly memory: MemoryStats
  readonly rootfs: FsStats
}
export interface PodSummaryStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string }
  readonly startTime: string
  readonly containers: readonly ContainerSummaryStats[]
  readonly cpu: CpuStats
  readonly memory: MemoryStats
}
/** The kubelet's `/stats/summary`. */
export interface StatsSummary {
  readonly node: {
    readonly nodeName: string
    readonly startTime: string
    readonly cpu?: CpuStats
    readonly memory?: MemoryStats
  }
  readonly pods: readonly PodSummaryStats[]
}

/** Rates where the runtime gives none: from the use at the call before. */
export interface CpuRates {
  nanoCores(stats: ContainerStats): number
}

export const createCpuRates = (): CpuRates => {
  const before = new Map<string, { atNs: bigint; usageNs: bigint; rate: number }>()
  return {
    nanoCores: (stats) => {
      if (stats.cpuNanoCores !== undefined) return stats.cpuNanoCores
      const last = before.get(stats.containerId)
      const tookNs = last ? stats.atNs - last.atNs : 0n
      const rate = last && tookNs > 0n ? Number(((stats.cpuUsageNs - last.usageNs) * 1_000_000_000n) / tookNs) : (last?.rate ?? 0)
      // Two calls close together would measure noise.
      if (!last || tookNs > 1_000_000_000n) before.set(stats.containerId, { atNs: stats.atNs, usageNs: stats.cpuUsageNs, rate })
      if (before.size > 10_000) before.clear()
      return rate
    },
  }
}

/** The summary of a node from its containers' use. Pure but for the rates. */
export const summaryOf = (
  nodeName: string,
  startedMs: number,
  pods: Iterable<Pod>,
  stats: readonly ContainerStats[],
  rates: CpuRates,
): StatsSummary => {
  const summaries = [...pods].flatMap((pod) => {
    const own = stats.filter((one) => one.labels[labels.podUid] === pod.metadata.uid)
    return own.length > 0 ? [podSummary(pod, own, rates)] : []
  })
  const cpu = summed(summaries.map((pod) => pod.cpu))
  const memory = summedMemory(summaries.map((pod) => pod.memory))
  return {
    node: { nodeName, startTime: rfc3339(startedMs), ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) },
    pods: summaries,
  }
}

const podSummary = (pod: Pod, stats: readonly ContainerStats[], rates: CpuRates): PodSummaryStats => {
  const containers = stats.map((one) => containerSummary(pod, one, rates))
  return {
    podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', uid: pod.metadata.uid },
    startTime: pod.status?.startTime ?? pod.metadata.creationTimestamp,
    containers,
    cpu: summed(containers.map(({ cpu }) => cpu)) as CpuStats,
    memory: summedMemory(containers.map(({ memory }) => memory)) as MemoryStats,
  }
}

const containerSummary = (pod: Pod, stats: ContainerStats, rates: CpuRates): ContainerSummaryStats => {
  // Rates come of two of these: a whole second would be too coarse.
  const time = rfc3339Micro(Number(stats.atNs / 1_000_000n))
  const name = stats.labels[labels.containerName] ?? stats.name
  const running = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((one) => one.name === name)
  return {
    name,
    startTime: running?.state?.running?.startedAt ?? pod.metadata.creationTimestamp,
    cpu: { time, usageNanoCores: rates.nanoCores(stats), usageCoreNanoSeconds: Number(stats.cpuUsageNs) },
    memory: {
      time,
      ...(stats.memoryAvailableBytes > 0 ? { availableBytes: stats.memoryAvailableBytes } : {}),
      usageBytes: stats.memoryUsageBytes,
      workingSetBytes: stats.memoryWorkingSetBytes,
      rssBytes: stats.memoryRssBytes,
      pageFaults: stats.pageFaults,
      majorPageFaults: stats.majorPageFaults,
    },
    rootfs: { time, usedBytes: stats.diskUsedBytes, inodesUsed: stats.inodesUsed },
  }
}

const total = <T>(list: readonly T[], of: (one: T) => number): number => list.reduce((sum, one) => sum + of(one), 0)

const summed = (list: readonly CpuStats[]): CpuStats | undefined =>
  list[0] && {
    time: list[0].time,
    usageNanoCores: total(list, (one) => one.usageNanoCores),
    usageCoreNanoSeconds: total(list, (one) => one.usageCoreNanoSeconds),
  }

const summedMemory = (list: readonly MemoryStats[]): MemoryStats | undefined =>
  list[0] && {
    time: list[0].time,
    usageBytes: total(list, (one) => one.usageBytes),
    workingSetBytes: total(list, (one) => one.workingSetBytes),
    rssBytes: total(list, (one) => one.rssBytes),
    pageFaults: total(list, (one) => one.pageFaults),
    majorPageFaults: total(list, (one) => one.majorPageFaults),
  }
