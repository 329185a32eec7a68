import { milliValue, parseDurationMs } from '@skiff/machinery'
import type { PodMetric, PodMetrics } from './pod-groups.ts'

// Of metrics that do not say over which time they were taken.
const usualWindowMs = 60_000

interface PodMetricsList {
  readonly items?: readonly {
    readonly metadata: { readonly name: string; readonly namespace?: string }
    readonly timestamp?: string
    readonly window?: string
    readonly containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[]
  }[]
}

const own = (usage: Readonly<Record<string, string>> | undefined, resource: string): string | undefined =>
  usage && Object.hasOwn(usage, resource) ? usage[resource] : undefined

const nothing = (api: string): Error => new Error(`no metrics returned from ${api} metrics API`)

/** The use of a resource by pod: of one container, or of all together, where each has told it. Throws an Error in upstream's words. */
export const resourceReading = (answer: unknown, resource: string, container?: string): PodMetrics => {
  const { items = [] } = answer as PodMetricsList
  if (items.length === 0) throw nothing('resource')
  const found = new Map<string, PodMetric>()
  for (const { metadata, timestamp, window, containers = [] } of items) {
    const counted = container === undefined ? containers : containers.filter(({ name }) => name === container)
    if (container !== undefined && counted.length === 0)
      throw new Error(
        `failed to get container metrics: container ${container} not present in metrics for pod ${metadata.namespace ?? ''}/${metadata.name}`,
      )
    const amounts = counted.map(({ usage }) => own(usage, resource))
    if (amounts.length === 0 || amounts.includes(undefined)) continue
    const milli = amounts.reduce((sum, amount) => sum + milliValue(amount as string), 0)
    found.set(metadata.name, { atMs: Date.parse(timestamp ?? ''), windowMs: window ? parseDurationMs(window) : 0, milli })
  }
  return found
}

interface MetricValueList {
  readonly items?: readonly {
    readonly describedObject?: { readonly name?: string }
    readonly timestamp?: string
    readonly windowSeconds?: number
    readonly window?: number
    readonly value?: string
  }[]
}

/** A custom metric by pod. */
export const podsReading = (answer: unknown): PodMetrics => {
  const { items = [] } = answer as MetricValueList
  if (items.length === 0) throw nothing('custom')
  return new Map(
    items.map(({ describedObject, timestamp, windowSeconds, window, value }) => {
      const seconds = windowSeconds ?? window
      const windowMs = seconds === undefined ? usualWindowMs : seconds * 1_000
      return [describedObject?.name ?? '', { atMs: Date.parse(timestamp ?? ''), windowMs, milli: milliValue(value ?? '0') }] as const
    }),
  )
}

/** A custom metric of one object, in thousandths. */
export const objectReading = (answer: unknown): number => {
  const { items = [] } = answer as MetricValueList
  if (items.length !== 1) throw new Error(`the custom metrics API server returned ${items.length} results when we asked for exactly one`)
  return milliValue(items[0]?.value ?? '0')
}

/** An external metric, the sum of what was found, in thousandths. */
export const externalReading = (answer: unknown): number => {
  const { items = [] } = answer as MetricValueList
  if (items.length === 0) throw nothing('external')
  return items.reduce((sum, { value }) => sum + milliValue(value ?? '0'), 0)
}
