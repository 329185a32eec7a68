import type { Node, Pod } from '@skiff/api'
import { canonicalQuantity, durationTextMs, type KubeObject, quantityOf, quantityText, rfc3339 } from '@skiff/machinery'
import type { Meter } from '../parts/node-directory.ts'
import type { ContainerUsage, PodUsage } from './node-usage.ts'
import type { Samples } from './sampler.ts'

interface Usage {
  readonly cpu: string
  readonly memory: string
}
interface Measured extends KubeObject {
  readonly timestamp: string
  readonly window: string
}
export interface PodMetrics extends Measured {
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[]
}
export interface NodeMetrics extends Measured {
  readonly usage: Usage
}

const apiVersion = 'metrics.k8s.io/v1beta1'

/** As a metrics server writes amounts: cores in billionths, memory in binary units. */
const usageOf = (nanoCores: number, bytes: number): Usage => ({
  cpu: canonicalQuantity(`${Math.max(0, Math.round(nanoCores))}n`),
  memory: quantityText(quantityOf(bytes, 'BinarySI')),
})

interface Rate {
  readonly nanoCores: number
  readonly windowMs: number
  readonly atMs: number
}

type Counter = Pick<ContainerUsage, 'cpu' | 'startTime'>

/** Of a counter that began anew, or is new, since its start. Undefined where no time has passed. */
const rateOf = (before: Counter | undefined, after: Counter): Rate | undefined => {
  const atMs = Date.parse(after.cpu.time)
  const isOn = before !== undefined && before.cpu.usageCoreNanoSeconds <= after.cpu.usageCoreNanoSeconds
  const sinceMs = isOn ? Date.parse(before.cpu.time) : Date.parse(after.startTime)
  const windowMs = atMs - sinceMs
  if (!(windowMs > 0)) return undefined
  const used = after.cpu.usageCoreNanoSeconds - (isOn ? before.cpu.usageCoreNanoSeconds : 0)
  return { nanoCores: used / (windowMs / 1_000), windowMs, atMs }
}

const metadataOf = ({ metadata }: KubeObject, nowMs: number) => ({
  name: metadata.name,
  ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
  creationTimestamp: rfc3339(nowMs),
  ...(metadata.labels ? { labels: metadata.labels } : {}),
})

const whole = (kind: string, object: KubeObject, { atMs, windowMs }: Rate, nowMs: number, rest: object): unknown => ({
  kind,
  apiVersion,
  metadata: metadataOf(object, nowMs),
  timestamp: rfc3339(atMs),
  window: durationTextMs(windowMs),
  ...rest,
})

// As long as an amount that is known at once is said to hold.
const knownWindowMs = 15_000

type Known = ReturnType<Meter['of']>[number]
const knownUsage = (cpuMilli: number, bytes: number): Usage => usageOf(cpuMilli * 1e6, bytes)

/** Of a pod that is played; undefined while it uses nothing. */
export const knownPodMetrics = (pod: Pod, containers: readonly Known[], nowMs: number): PodMetrics | undefined => {
  if (containers.length === 0) return undefined
  const used = containers.map(({ name, cpuMilli, memoryBytes }) => ({ name, usage: knownUsage(cpuMilli, memoryBytes) }))
  return whole('PodMetrics', pod, { nanoCores: 0, windowMs: knownWindowMs, atMs: nowMs }, nowMs, { containers: used }) as PodMetrics
}

/** Of a node that is played, from what its pods use. */
export const knownNodeMetrics = (node: Node, containers: readonly Known[], nowMs: number): NodeMetrics => {
  const sum = (of: (one: Known) => number) => containers.reduce((total, one) => total + of(one), 0)
  const usage = knownUsage(
    sum(({ cpuMilli }) => cpuMilli),
    sum(({ memoryBytes }) => memoryBytes),
  )
  return whole('NodeMetrics', node, { nanoCores: 0, windowMs: knownWindowMs, atMs: nowMs }, nowMs, { usage }) as NodeMetrics
}

/** Where the use of every pod of some nodes is found. */
export const podIndex = (samples: ReadonlyMap<string, Samples>): ((pod: Pod) => readonly [PodUsage | undefined, PodUsage] | undefined) => {
  const index = (side: keyof Samples) =>
    new Map([...samples.values()].flatMap((pair) => pair[side].pods.map((pod) => [pod.podRef.uid, pod] as const)))
  const [befores, afters] = [index('before'), index('after')]
  return ({ metadata }) => {
    const after = afters.get(metadata.uid)
    return after && [befores.get(metadata.uid), after]
  }
}

/** What a pod uses; undefined until every one of its containers has a rate, so that no sum is too small. */
export const podMetricsOf = (pod: Pod, before: PodUsage | undefined, after: PodUsage, nowMs: number): PodMetrics | undefined => {
  const measured = after.containers.map((container) => {
    const rate = rateOf(
      before?.containers.find(({ name }) => name === container.name),
      container,
    )
    return rate && { rate, name: container.name, usage: usageOf(rate.nanoCores, container.memory.workingSetBytes) }
  })
  const [first] = measured
  if (!first || measured.includes(undefined)) return undefined
  const containers = measured.map((each) => ({ name: each?.name, usage: each?.usage }))
  return whole('PodMetrics', pod, first.rate, nowMs, { containers }) as PodMetrics
}

const idle = { usageCoreNanoSeconds: 0 }

/** What a node uses: nothing, where it runs nothing. */
export const nodeMetricsOf = (node: Node, { before, after }: Samples, nowMs: number): NodeMetrics => {
  const { cpu, memory, startTime } = after.node
  const time = rfc3339(nowMs)
  const counter = { startTime, cpu: cpu ?? { ...idle, time } }
  const rate = rateOf(before.node.cpu && { startTime, cpu: before.node.cpu }, counter) ?? { nanoCores: 0, windowMs: 15_000, atMs: nowMs }
  // A sum of containers falls when one of them ends, and is no counter then.
  const nanoCores = sumOfPods({ before, after }) ?? rate.nanoCores
  return whole('NodeMetrics', node, rate, nowMs, { usage: usageOf(nanoCores, memory?.workingSetBytes ?? 0) }) as NodeMetrics
}

const sumOfPods = ({ before, after }: Samples): number | undefined => {
  if (after.pods.length === 0) return undefined
  const known = new Map(before.pods.flatMap((pod) => pod.containers.map((each) => [`${pod.podRef.uid}/${each.name}`, each] as const)))
  return after.pods
    .flatMap((pod) => pod.containers.map((each) => rateOf(known.get(`${pod.podRef.uid}/${each.name}`), each)?.nanoCores ?? 0))
    .reduce((sum, one) => sum + one, 0)
}
