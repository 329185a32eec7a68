import { createHistogram, type Env, type Family, type Histogram, type MetricLabels as Labels } from '@skiff/machinery'
import type { StepTimes } from '../admission/admission.ts'

/** Durations of one sort, told apart by labels. */
export interface Timings {
  /** `values` in the order of the label names. */
  observe(seconds: number, ...values: readonly string[]): void
  family(): Family
}

/** Names come from clients here and there: they must not make new rows without end. */
const mostRows = 2000

export const createTimings = (name: string, help: string, labelNames: readonly string[], bounds: readonly number[]): Timings => {
  const rows = new Map<string, { readonly labels: Labels; readonly durations: Histogram }>()
  return {
    observe: (seconds, ...values) => {
      const key = values.join(' ')
      let row = rows.get(key)
      if (!row) {
        if (rows.size >= mostRows) return
        row = { labels: labelNames.map((label, index) => [label, values[index] ?? ''] as const), durations: createHistogram(bounds) }
        rows.set(key, row)
      }
      row.durations.observe(seconds)
    },
    family: () => ({
      name,
      help,
      type: 'histogram',
      samples: [...rows.values()].flatMap(({ labels, durations }) => [...durations.samples(labels)]),
    }),
  }
}

const storeBounds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
const stepBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5]
const webhookBounds = [...stepBounds, 10, 25]
const waitBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]

/** What the server takes the time of, besides requests, under upstream's names. */
export interface ServerTimings {
  /** By operation and `plural.group`. */
  readonly store: Timings
  /** By operation, whether it was refused, and `admit` or `validate`. */
  readonly admission: Timings
  /** By webhook, operation, whether it refused, and `admit` or `validating`. */
  readonly webhooks: Timings
  /** By whether it was served, schema and level. */
  readonly waits: Timings
}

export const createServerTimings = (): ServerTimings => ({
  store: createTimings(
    'etcd_request_duration_seconds',
    'Etcd request latency in seconds for each operation and object type.',
    ['operation', 'type'],
    storeBounds,
  ),
  admission: createTimings(
    'apiserver_admission_step_admission_duration_seconds',
    'Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).',
    ['operation', 'rejected', 'type'],
    stepBounds,
  ),
  webhooks: createTimings(
    'apiserver_admission_webhook_admission_duration_seconds',
    'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    ['name', 'operation', 'rejected', 'type'],
    webhookBounds,
  ),
  waits: createTimings(
    'apiserver_flowcontrol_request_wait_duration_seconds',
    'Length of time a request spent waiting in its queue',
    ['execute', 'flow_schema', 'priority_level'],
    waitBounds,
  ),
})

export const timingFamilies = ({ store, admission, webhooks, waits }: ServerTimings): readonly Family[] =>
  [store, admission, webhooks, waits].map((each) => each.family())

/** Takes the time of admission's two steps. */
export const stepTimes =
  ({ admission }: ServerTimings, env: Env): StepTimes =>
  (step, verb, rejected, startMs) =>
    admission.observe((env.monotonicMs() - startMs) / 1000, verb.toUpperCase(), String(rejected), step)
