import { createHistogram, type Family, type Histogram, type MetricLabels } from '@skiff/machinery'
import type { PendingPods } from '../queue/scheduling-queue.ts'

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error'
export type QueueName = 'active' | 'backoff' | 'unschedulable'

/** What holds now and is read when somebody asks. */
export interface Gauges {
  readonly pending: () => PendingPods
  readonly binding: () => number
  readonly cache: () => { readonly nodes: number; readonly pods: number; readonly assumedPods: number }
}

/** What the scheduler counts, by upstream's names. Times are in milliseconds; nothing here waits. */
export interface SchedulerMetrics {
  /** One try of a pod, its binding included where it came to one. */
  attempted(profile: string, result: AttemptResult, ms: number): void
  /** The synchronous part of a try that found a node. */
  decided(ms: number): void
  /** A pod is bound, after so many tries, so long after it entered the queue. */
  bound(attempts: number, ms: number): void
  /** All plugins of an extension point ran for one pod. */
  ran(point: string, profile: string, status: string, ms: number): void
  /** One plugin ran; told for a tenth of the pods. */
  pluginRan(plugin: string, point: string, status: string, ms: number): void
  entered(queue: QueueName, event: string): void
  preempting(victims: number): void
  permitWaited(result: string, ms: number): void
  /** The victims of a preemption were told to go, or that failed. */
  preempted(result: 'success' | 'error', ms: number): void
  /** Tells where the gauges are read. */
  observe(gauges: Gauges): void
  families(): readonly Family[]
}

const exponential = (start: number, factor: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => Number((start * factor ** at).toPrecision(12)))

interface Labelled<Row> {
  readonly labels: MetricLabels
  readonly row: Row
}
interface Group<Row> {
  readonly rows: readonly Labelled<Row>[]
  at(first: string, second?: string, third?: string): Row
}
/** Rows by the values of up to three labels. Found by a map a label: to join the values would cost more than the counting. */
const grouped = <Row>(names: readonly string[], make: () => Row): Group<Row> => {
  const rows: Labelled<Row>[] = []
  const tree = new Map<string, Map<string, Map<string, Row>>>()
  const branch = <Inner>(map: Map<string, Map<string, Inner>>, key: string): Map<string, Inner> => {
    const known = map.get(key)
    if (known) return known
    const made = new Map<string, Inner>()
    map.set(key, made)
    return made
  }
  return {
    rows,
    at: (first, second = '', third = '') => {
      const last = branch(branch(tree, first), second)
      const known = last.get(third)
      if (known !== undefined) return known
      const row = make()
      const values = [first, second, third]
      rows.push({ labels: names.map((name, at) => [name, values[at] ?? ''] as const), row })
      last.set(third, row)
      return row
    },
  }
}
interface Count {
  value: number
}
const counters = (...names: readonly string[]): Group<Count> => grouped(names, () => ({ value: 0 }))
const histograms = (bounds: readonly number[], ...names: readonly string[]): Group<Histogram> =>
  grouped(names, () => createHistogram(bounds))

const countFamily = (name: string, help: string, { rows }: Group<Count>): Family => ({
  name: `scheduler_${name}`,
  help,
  type: 'counter',
  samples: rows.map(({ labels, row }) => ({ labels, value: row.value })),
})
const timeFamily = (name: string, help: string, { rows }: Group<Histogram>): Family => ({
  name: `scheduler_${name}`,
  help,
  type: 'histogram',
  samples: rows.flatMap(({ labels, row }) => row.samples(labels)),
})
const gaugeFamily = (name: string, help: string, values: readonly (readonly [MetricLabels, number])[]): Family => ({
  name: `scheduler_${name}`,
  help,
  type: 'gauge',
  samples: values.map(([labels, value]) => ({ labels, value })),
})

/** From this many tries on they are counted as one row. */
const maxAttemptsRow = 15

export const createSchedulerMetrics = (): SchedulerMetrics => {
  const attempts = counters('profile', 'result')
  const attemptTimes = histograms(exponential(0.001, 2, 15), 'profile', 'result')
  const decideTimes = histograms(exponential(0.001, 2, 15))
  const sliTimes = histograms(exponential(0.01, 2, 20), 'attempts')
  const attemptsToBind = histograms(exponential(1, 2, 5))
  const pointTimes = histograms(exponential(0.0001, 2, 12), 'extension_point', 'profile', 'status')
  const pluginTimes = histograms(exponential(0.00001, 1.5, 20), 'extension_point', 'plugin', 'status')
  const incoming = counters('event', 'queue')
  const victims = histograms(exponential(1, 2, 7))
  const preemptions = counters()
  const permitTimes = histograms(exponential(0.001, 2, 15), 'result')
  const evictionTimes = histograms(exponential(0.01, 2, 20), 'result')
  const evictions = counters('result')
  let gauges: Gauges | undefined
  preemptions.at('')

  return {
    attempted: (profile, result, ms) => {
      attempts.at(profile, result).value += 1
      attemptTimes.at(profile, result).observe(ms / 1000)
    },
    decided: (ms) => decideTimes.at('').observe(ms / 1000),
    bound: (tries, ms) => {
      sliTimes.at(tries >= maxAttemptsRow ? `${maxAttemptsRow}+` : String(tries)).observe(ms / 1000)
      attemptsToBind.at('').observe(tries)
    },
    ran: (point, profile, status, ms) => pointTimes.at(point, profile, status).observe(ms / 1000),
    pluginRan: (plugin, point, status, ms) => pluginTimes.at(point, plugin, status).observe(ms / 1000),
    entered: (queue, event) => {
      incoming.at(event, queue).value += 1
    },
    preempting: (count) => {
      preemptions.at('').value += 1
      if (count > 0) victims.at('').observe(count)
    },
    permitWaited: (result, ms) => permitTimes.at(result).observe(ms / 1000),
    preempted: (result, ms) => {
      evictionTimes.at(result).observe(ms / 1000)
      evictions.at(result).value += 1
    },
    observe: (sources) => {
      gauges = sources
    },
    families: () => [
      countFamily(
        'schedule_attempts_total',
        "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
        attempts,
      ),
      timeFamily(
        'scheduling_attempt_duration_seconds',
        'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
        attemptTimes,
      ),
      timeFamily('scheduling_algorithm_duration_seconds', 'Scheduling algorithm latency in seconds', decideTimes),
      countFamily('preemption_attempts_total', 'Total preemption attempts in the cluster till now', preemptions),
      timeFamily('preemption_victims', 'Number of selected preemption victims', victims),
      timeFamily(
        'pod_scheduling_sli_duration_seconds',
        'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.',
        sliTimes,
      ),
      timeFamily('pod_scheduling_attempts', 'Number of attempts to successfully schedule a pod.', attemptsToBind),
      timeFamily(
        'framework_extension_point_duration_seconds',
        'Latency for running all plugins of a specific extension point.',
        pointTimes,
      ),
      timeFamily('plugin_execution_duration_seconds', 'Duration for running a plugin at a specific extension point.', pluginTimes),
      countFamily('queue_incoming_pods_total', 'Number of pods added to scheduling queues by event and queue type.', incoming),
      timeFamily('permit_wait_duration_seconds', 'Duration of waiting on permit.', permitTimes),
      timeFamily('preemption_goroutines_duration_seconds', 'Duration in seconds for running goroutines for the preemption.', evictionTimes),
      countFamily('preemption_goroutines_execution_total', 'Number of preemption goroutines executed.', evictions),
      ...(gauges ? gaugeFamilies(gauges) : []),
    ],
  }
}

const cacheHelp = 'Number of nodes, pods, and assumed (bound) pods in the scheduler cache.'

const gaugeFamilies = ({ pending, binding, cache }: Gauges): readonly Family[] => {
  const { active, backoff, unschedulable, gated, byPlugin } = pending()
  const { nodes, pods, assumedPods } = cache()
  const cached = [
    [[['type', 'assumed_pods']], assumedPods],
    [[['type', 'nodes']], nodes],
    [[['type', 'pods']], pods],
  ] as const
  return [
    gaugeFamily(
      'pending_pods',
      "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
      Object.entries({ active, backoff, gated, unschedulable }).map(([queue, size]) => [[['queue', queue]], size] as const),
    ),
    gaugeFamily('goroutines', 'Number of running goroutines split by the work they do such as binding.', [
      [[['operation', 'binding']], binding()],
    ]),
    gaugeFamily('cache_size', cacheHelp, cached),
    // Its name up to 1.32; upstream's 1.33 has both.
    gaugeFamily('scheduler_cache_size', cacheHelp, cached),
    gaugeFamily(
      'unschedulable_pods',
      'The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.',
      byPlugin.map(
        ({ plugin, profile, pods }) =>
          [
            [
              ['plugin', plugin],
              ['profile', profile],
            ],
            pods,
          ] as const,
      ),
    ),
  ]
}
