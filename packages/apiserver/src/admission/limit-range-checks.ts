import {
  type Amounts,
  type Container,
  containerLimits,
  containerRequests,
  type LimitRange,
  type LimitRangeItem,
  type PersistentVolumeClaim,
  type Pod,
} from '@skiff/api'
import { compareQuantities, isZeroQuantity, milliValue } from '@skiff/machinery'

interface Resources {
  readonly requests: Amounts
  readonly limits: Amounts
}

const belowMin = (type: string, name: string, min: string, { requests, limits }: Resources): string | undefined => {
  const [request, limit] = [requests[name], limits[name]]
  const text = `minimum ${name} usage per ${type} is ${min}`
  if (request === undefined) return `${text}.  No request is specified`
  if (compareQuantities(request, min) < 0) return `${text}, but request is ${request}`
  return limit !== undefined && compareQuantities(limit, min) < 0 ? `${text}, but limit is ${limit}` : undefined
}

const aboveMax = (type: string, name: string, max: string, { requests, limits }: Resources): string | undefined => {
  const [request, limit] = [requests[name], limits[name]]
  const text = `maximum ${name} usage per ${type} is ${max}`
  if (limit === undefined) return `${text}.  No limit is specified`
  if (compareQuantities(limit, max) > 0) return `${text}, but limit is ${limit}`
  return request !== undefined && compareQuantities(request, max) > 0 ? `${text}, but request is ${request}` : undefined
}

const aboveRatio = (type: string, name: string, most: string, { requests, limits }: Resources): string | undefined => {
  const [request, limit] = [requests[name], limits[name]]
  const text = `${name} max limit to request ratio per ${type} is ${most}`
  if (request === undefined || isZeroQuantity(request)) return `${text}, but no request is specified or request is 0`
  if (limit === undefined || isZeroQuantity(limit)) return `${text}, but no limit is specified or limit is 0`
  const ratio = milliValue(limit) / milliValue(request)
  return ratio * 1000 > milliValue(most) ? `${text}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}

const complaints = (item: LimitRangeItem, resources: Resources): string[] => {
  const found: (string | undefined)[] = []
  for (const [name, amount] of Object.entries(item.min ?? {})) found.push(belowMin(item.type, name, amount, resources))
  for (const [name, amount] of Object.entries(item.max ?? {})) found.push(aboveMax(item.type, name, amount, resources))
  for (const [name, amount] of Object.entries(item.maxLimitRequestRatio ?? {})) found.push(aboveRatio(item.type, name, amount, resources))
  return found.filter((text) => text !== undefined)
}

const resourcesOf = ({ resources }: Container): Resources => ({ requests: resources?.requests ?? {}, limits: resources?.limits ?? {} })

/** What a LimitRange holds against a pod, in upstream's words. */
export const podComplaints = (range: LimitRange, pod: Pod): string[] =>
  (range.spec.limits ?? []).flatMap((item) => {
    if (item.type === 'Container')
      return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap((container) => complaints(item, resourcesOf(container)))
    if (item.type !== 'Pod') return []
    return complaints(item, { requests: containerRequests(pod), limits: containerLimits(pod) })
  })

/** Claims are held against their requests alone. */
export const claimComplaints = (range: LimitRange, claim: PersistentVolumeClaim): string[] =>
  (range.spec.limits ?? [])
    .filter((item) => item.type === 'PersistentVolumeClaim')
    .flatMap((item) => {
      const requests = claim.spec.resources?.requests ?? {}
      const low = Object.entries(item.min ?? {}).map(([name, min]) => belowMin(item.type, name, min, { requests, limits: {} }))
      const high = Object.entries(item.max ?? {}).map(([name, max]) => {
        const text = `maximum ${name} usage per ${item.type} is ${max}`
        const request = requests[name]
        if (request === undefined) return `${text}.  No request is specified`
        return compareQuantities(request, max) > 0 ? `${text}, but request is ${request}` : undefined
      })
      return [...low, ...high].filter((text) => text !== undefined)
    })
