import { addQuantities, compareQuantities, type Quantity, quantitySign } from '@skiff/machinery'
import type { PodSpec } from '../../generated/types.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'
const counted = ['cpu', 'memory'] as const
type Sums = Partial<Record<(typeof counted)[number], Quantity | string>>

/** How the node agent treats a pod when it runs short: from requests and limits of processor time and memory. */
export const qosClass = (spec: PodSpec): QosClass => {
  const requests: Sums = {}
  const limits: Sums = {}
  let guaranteed = true
  for (const list of [spec.containers, spec.initContainers])
    for (const { resources } of list ?? []) {
      let limited = 0
      for (const name of counted) {
        add(requests, name, resources?.requests?.[name])
        if (add(limits, name, resources?.limits?.[name])) limited++
      }
      if (limited < counted.length) guaranteed = false
    }
  if (Object.keys(requests).length === 0 && Object.keys(limits).length === 0) return 'BestEffort'
  return guaranteed && counted.every((name) => equal(requests[name], limits[name])) ? 'Guaranteed' : 'Burstable'
}

const add = (sums: Sums, name: (typeof counted)[number], amount: string | undefined): boolean => {
  if (amount === undefined || quantitySign(amount) <= 0) return false
  const sum = sums[name]
  sums[name] = sum === undefined ? amount : addQuantities(sum, amount)
  return true
}

const equal = (a: Quantity | string | undefined, b: Quantity | string | undefined): boolean =>
  a !== undefined && b !== undefined ? compareQuantities(a, b) === 0 : a === b
