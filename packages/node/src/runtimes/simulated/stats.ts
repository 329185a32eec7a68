import type { ContainerInfo, ContainerStats } from '../runtime.ts'

/** What a container would use if it used what it asked for: a tenth of a core where it asked for nothing, and 16 MiB. */
export const simulatedStats = (info: ContainerInfo, nowMs: number): ContainerStats => {
  const ranMs = Math.max(0, nowMs - Number(info.startedAtNs / 1_000_000n))
  const nanoCores = ((info.resources?.cpuShares ?? 102) / 1024) * 1e9
  const memoryBytes = 16 * 2 ** 20
  return {
    containerId: info.containerId,
    name: info.name,
    attempt: info.attempt,
    labels: info.labels,
    annotations: info.annotations,
    atNs: BigInt(Math.trunc(nowMs)) * 1_000_000n,
    cpuUsageNs: BigInt(Math.trunc((ranMs / 1000) * nanoCores)),
    cpuNanoCores: Math.trunc(nanoCores),
    memoryWorkingSetBytes: memoryBytes,
    memoryUsageBytes: memoryBytes,
    memoryRssBytes: memoryBytes,
    memoryAvailableBytes: 0,
    pageFaults: 0,
    majorPageFaults: 0,
    diskUsedBytes: 0,
    inodesUsed: 0,
  }
}
