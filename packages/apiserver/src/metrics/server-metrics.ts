import { readdirSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Family, MetricLabels as Labels } from '@skiff/machinery'
import type { Fairness } from '../fairness/start.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'

const family = (name: string, type: Family['type'], help: string, samples: readonly (readonly [Labels, number])[]): Family => ({
  name,
  type,
  help,
  samples: samples.map(([labels, value]) => ({ labels, value })),
})

/** Requests that are served now, by upstream's names. */
export const inFlightFamilies = ({ limiter }: Fairness): readonly Family[] => [
  family(
    'apiserver_current_inflight_requests',
    'gauge',
    'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
    [
      [[['request_kind', 'mutating']], limiter.executing.mutating],
      [[['request_kind', 'readOnly']], limiter.executing.readOnly],
    ],
  ),
]

/** Levels and flows of priority and fairness. */
export const fairnessFamilies = ({ levels, flows, refused }: Fairness): readonly Family[] => {
  if (!levels) return []
  const perLevel = (name: string, help: string, read: (level: (typeof all)[number]) => number) =>
    family(
      name,
      'gauge',
      help,
      all.map((level) => [[['priority_level', level.name]], read(level)] as const),
    )
  const all = [...levels()]
  return [
    perLevel(
      'apiserver_flowcontrol_nominal_limit_seats',
      'Nominal number of execution seats configured for each priority level',
      (each) => each.seats.nominal,
    ),
    perLevel(
      'apiserver_flowcontrol_lower_limit_seats',
      'Configured lower bound on number of execution seats available to each priority level',
      (each) => each.seats.kept,
    ),
    perLevel(
      'apiserver_flowcontrol_upper_limit_seats',
      'Configured upper bound on number of execution seats available to each priority level',
      (each) => each.seats.most,
    ),
    perLevel(
      'apiserver_flowcontrol_current_executing_seats',
      'Concurrency (number of seats) occupied by the currently executing requests in the API Priority and Fairness subsystem',
      (each) => each.inUse,
    ),
    perLevel(
      'apiserver_flowcontrol_current_inqueue_requests',
      'Number of requests currently pending in queues of the API Priority and Fairness subsystem',
      (each) => each.queues.length,
    ),
    family(
      'apiserver_flowcontrol_dispatched_requests_total',
      'counter',
      'Number of requests executed by API Priority and Fairness subsystem',
      (flows?.() ?? []).map(
        ({ schema, level, served }) =>
          [
            [
              ['flow_schema', schema.name],
              ['priority_level', level.name],
            ],
            served,
          ] as const,
      ),
    ),
    family(
      'apiserver_flowcontrol_rejected_requests_total',
      'counter',
      'Number of requests rejected by API Priority and Fairness subsystem',
      [...refused].map(([key, count]) => {
        const [schema = '', level = '', reason = ''] = key.split(' ')
        return [
          [
            ['flow_schema', schema],
            ['priority_level', level],
            ['reason', reason],
          ],
          count,
        ] as const
      }),
    ),
  ]
}

/** How many objects there are of each kind that is in memory. */
export const objectFamilies = (registry: Registry, storage: Storage): readonly Family[] => {
  const sizes = new Map<string, number>()
  for (const kind of registry.all()) {
    const cache = storage.loaded(registry.stored(kind))
    if (cache) sizes.set(kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`, cache.tree.size)
  }
  return [
    family(
      'apiserver_storage_objects',
      'gauge',
      'Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.',
      [...sizes].map(([resource, size]) => [[['resource', resource]], size] as const),
    ),
  ]
}

/** The process, as every Prometheus client tells of it. `startedMs` is since 1970. */
export const processFamilies = (startedMs: number): readonly Family[] => {
  const { user, system } = process.cpuUsage()
  const { rss } = process.memoryUsage()
  const { utilization } = performance.eventLoopUtilization()
  return [
    family('process_cpu_seconds_total', 'counter', 'Total user and system CPU time spent in seconds.', [[[], (user + system) / 1e6]]),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory size in bytes.', [[[], rss]]),
    family('process_start_time_seconds', 'gauge', 'Start time of the process since unix epoch in seconds.', [[[], startedMs / 1000]]),
    ...descriptorFamilies(),
    ...delayFamilies(),
    family('skiff_event_loop_utilization', 'gauge', 'Part of its time in which the event loop was busy.', [[[], utilization]]),
  ]
}

/** Fires this often; what a firing is late beyond it, somebody held the event loop. */
const delayResolutionMs = 20
let delays: ReturnType<typeof monitorEventLoopDelay> | undefined

/** From here on it is measured how long work holds the event loop of this process. */
export const measureDelays = (): void => {
  if (delays) return
  delays = monitorEventLoopDelay({ resolution: delayResolutionMs })
  delays.enable()
}

/** The delays since the last scrape, as prom-client names them and forgets them. */
const delayFamilies = (): readonly Family[] => {
  if (!delays) return []
  const seconds = (nanoseconds: number) => (Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - delayResolutionMs) / 1000 : 0)
  const told = (name: string, help: string, value: number) => family(`nodejs_eventloop_lag_${name}seconds`, 'gauge', help, [[[], value]])
  const families = [
    told('max_', 'The longest time since the last scrape in which work held the event loop.', delays.count === 0 ? 0 : seconds(delays.max)),
    told('mean_', 'The mean of the event loop delays since the last scrape.', seconds(delays.mean)),
    told('p99_', 'The 99th percentile of the event loop delays since the last scrape.', seconds(delays.percentile(99))),
  ]
  delays.reset()
  return families
}

const descriptorFamilies = (): readonly Family[] => {
  try {
    const open = readdirSync('/proc/self/fd').length
    const most = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0)
    return [
      family('process_open_fds', 'gauge', 'Number of open file descriptors.', [[[], open]]),
      family('process_max_fds', 'gauge', 'Maximum number of open file descriptors.', [[[], most]]),
    ]
  } catch {
    // Not Linux.
    return []
  }
}
