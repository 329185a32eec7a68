import type { KeyQueue } from '@skiff/client'
import { createHistogram, type Family, type Histogram, type MetricLabels } from '@skiff/machinery'

// From 10 ns to 1000 s, as upstream's work queues have them.
const bounds = Array.from({ length: 12 }, (_, exponent) => Number(`1e${exponent - 8}`))

/** What is known of one controller's queue and of its work on the keys. */
export interface Work {
  readonly waits: Histogram
  readonly works: Histogram
  /** When work on the keys began that are in work now, by key. */
  readonly sinceMs: Map<string, number>
}

export const createWork = (): Work => ({ waits: createHistogram(bounds), works: createHistogram(bounds), sinceMs: new Map() })

export interface WorkOf {
  readonly name: string
  readonly queue: Pick<KeyQueue, 'adds' | 'retried' | 'size'>
  readonly work: Work
}

/** The work queues of all controllers, by upstream's names. */
export const workFamilies = (all: readonly WorkOf[], nowMs: number): readonly Family[] => {
  const labelsOf = ({ name }: WorkOf): MetricLabels => [['name', name.replace(/-controller$/, '')]]
  const plain = (name: string, type: Family['type'], help: string, value: (one: WorkOf) => number): Family => ({
    ...{ name, type, help },
    samples: all.map((one) => ({ labels: labelsOf(one), value: value(one) })),
  })
  const timed = (name: string, help: string, of: (one: WorkOf) => Histogram): Family => ({
    ...{ name, help, type: 'histogram' as const },
    samples: all.flatMap((one) => [...of(one).samples(labelsOf(one))]),
  })
  const running = ({ work }: WorkOf): readonly number[] => [...work.sinceMs.values()].map((sinceMs) => (nowMs - sinceMs) / 1000)
  return [
    plain('workqueue_adds_total', 'counter', 'Total number of adds handled by workqueue', ({ queue }) => queue.adds),
    plain('workqueue_depth', 'gauge', 'Current depth of workqueue', ({ queue }) => queue.size),
    plain('workqueue_retries_total', 'counter', 'Total number of retries handled by workqueue', ({ queue }) => queue.retried),
    timed(
      'workqueue_queue_duration_seconds',
      'How long in seconds an item stays in workqueue before being requested.',
      ({ work }) => work.waits,
    ),
    timed('workqueue_work_duration_seconds', 'How long in seconds processing an item from workqueue takes.', ({ work }) => work.works),
    plain(
      'workqueue_unfinished_work_seconds',
      'gauge',
      "How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
      (one) => running(one).reduce((sum, each) => sum + each, 0),
    ),
    plain(
      'workqueue_longest_running_processor_seconds',
      'gauge',
      'How many seconds has the longest running processor for workqueue been running.',
      (one) => Math.max(0, ...running(one)),
    ),
  ]
}
