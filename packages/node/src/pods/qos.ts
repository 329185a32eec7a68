import type { Container, Pod } from '@skiff/api'
import { compareQuantities, isZeroQuantity } from '@skiff/machinery'

export type QosClass = 'BestEffort' | 'Burstable' | 'Guaranteed'

/** The class the server gave the pod, else computed as upstream does: from cpu and memory of all containers alike. */
export const qosOf = (pod: Pod): QosClass => {
  if (pod.status?.qosClass) return pod.status.qosClass
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers]
  const asks = containers.some(({ resources }) => given(resources?.requests) || given(resources?.limits))
  if (!asks) return 'BestEffort'
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable'
}

const counted = ['cpu', 'memory'] as const

const given = (list: Readonly<Record<string, string>> | undefined): boolean =>
  counted.some((name) => list?.[name] !== undefined && !isZeroQuantity(list[name]))

/** Limits for both, and requests that are absent or equal. */
const isGuaranteed = ({ resources }: Container): boolean =>
  counted.every((name) => {
    const limit = resources?.limits?.[name]
    if (limit === undefined || isZeroQuantity(limit)) return false
    const request = resources?.requests?.[name]
    return request === undefined || compareQuantities(request, limit) === 0
  })
