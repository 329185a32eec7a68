import type { Container, Pod } from '@skiff/api'
import { addQuantities, isZeroQuantity, milliValue, quantityText, quantityValue } from '@skiff/machinery'
import { qosOf } from '../pods/qos.ts'
import type { LinuxResources } from '../runtimes/runtime.ts'

const periodUs = 100_000
/** Upstream's bounds, which are the kernel's. */
const minShares = 2
const maxShares = 262_144
const minQuotaUs = 1_000

export const cpuShares = (milli: number): number =>
  milli === 0 ? minShares : Math.min(Math.max(Math.floor((milli * 1024) / 1000), minShares), maxShares)

/** 0: no limit. */
export const cpuQuotaUs = (milli: number): number => (milli === 0 ? 0 : Math.max(Math.floor((milli * periodUs) / 1000), minQuotaUs))

const systemCritical = 2_000_000_000
const guaranteedScore = -997
const bestEffortScore = 1000

/** How soon the kernel kills a container when memory runs out: the less it uses of what it asked for, the later. */
export const oomScoreAdj = (pod: Pod, container: Container, memoryCapacityBytes: number): number => {
  if ((pod.spec.priority ?? 0) >= systemCritical) return guaranteedScore
  const qos = qosOf(pod)
  if (qos !== 'Burstable') return qos === 'Guaranteed' ? guaranteedScore : bestEffortScore
  const request = quantityValue(container.resources?.requests?.memory ?? container.resources?.limits?.memory ?? '0')
  const score = 1000 - Math.floor((1000 * request) / memoryCapacityBytes)
  return Math.min(Math.max(score, 1000 + guaranteedScore), bestEffortScore - 1)
}

export const containerResources = (pod: Pod, container: Container, memoryCapacityBytes: number): LinuxResources => {
  const { requests = {}, limits = {} } = container.resources ?? {}
  const limitMilli = milliValue(limits.cpu ?? '0')
  const memory = quantityValue(limits.memory ?? '0')
  const hugepages = Object.entries(limits).flatMap(([name, amount]) =>
    name.startsWith('hugepages-')
      ? [{ pageSize: `${name.slice('hugepages-'.length).replace(/i$/, '')}B`, limitBytes: quantityValue(amount) }]
      : [],
  )
  return {
    cpuShares: cpuShares(milliValue(requests.cpu ?? limits.cpu ?? '0')),
    cpuPeriodUs: periodUs,
    cpuQuotaUs: cpuQuotaUs(limitMilli),
    ...(memory > 0 ? { memoryLimitBytes: memory } : {}),
    oomScoreAdj: oomScoreAdj(pod, container, memoryCapacityBytes),
    ...(hugepages.length > 0 ? { hugepages } : {}),
  }
}

/** The sum over a pod's containers, sidecars included. Undefined where any of them sets none. */
const total = (pod: Pod, part: 'requests' | 'limits', name: string): string | undefined => {
  const running = [...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...pod.spec.containers]
  const amounts = running.map(({ resources }) => resources?.[part]?.[name])
  if (part === 'limits' && amounts.some((amount) => amount === undefined || isZeroQuantity(amount))) return undefined
  return quantityText(amounts.reduce((sum, amount) => addQuantities(sum, amount ?? '0'), addQuantities('0', '0')))
}

/** Limits of the pod's own cgroup. */
export const podResources = (pod: Pod): LinuxResources => {
  if (qosOf(pod) === 'BestEffort') return { cpuShares: minShares }
  const cpuLimit = total(pod, 'limits', 'cpu')
  const memoryLimit = total(pod, 'limits', 'memory')
  return {
    cpuShares: cpuShares(milliValue(total(pod, 'requests', 'cpu') ?? '0')),
    ...(cpuLimit !== undefined ? { cpuPeriodUs: periodUs, cpuQuotaUs: cpuQuotaUs(milliValue(cpuLimit)) } : {}),
    ...(memoryLimit !== undefined ? { memoryLimitBytes: quantityValue(memoryLimit) } : {}),
  }
}

/** Where a pod's cgroup lies, below the class of its quality of service. */
export const cgroupParent = (pod: Pod, root: string): string => {
  const qos = qosOf(pod)
  const middle = qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`
  return `${root}${middle}/pod${pod.metadata.uid}`
}
