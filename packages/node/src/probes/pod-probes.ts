import type { Container, Pod, Probe } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { PodEvents } from '../agent/pod-events.ts'
import type { PodProbes } from '../agent/worker.ts'
import type { PodMemory, ProbeResult, ProbeResults } from '../pods/memory.ts'
import { isSidecar } from '../pods/restart.ts'
import { newest, type SeenContainer } from '../pods/seen.ts'
import type { RunProbe } from './probe-result.ts'
import { counted, freshTally, type Tally } from './tally.ts'

type Kind = 'startup' | 'liveness' | 'readiness'

export interface PodProbesOptions {
  readonly env: Env
  readonly runProbe: RunProbe
  readonly events: PodEvents
  readonly report: (containerId: string, results: ProbeResults) => void
}

/** What is known of one running container's probes. */
interface Watched {
  readonly seen: SeenContainer
  readonly stop: AbortController
  results: ProbeResults
  /** Resolved once the container counts as started. */
  readonly started: PromiseWithResolvers<void>
}

const probesOf = (container: Container): readonly (readonly [Kind, Probe])[] =>
  (
    [
      ['startup', container.startupProbe],
      ['liveness', container.livenessProbe],
      ['readiness', container.readinessProbe],
    ] as const
  ).flatMap(([kind, probe]) => (probe ? [[kind, probe] as const] : []))

/** Probes the containers of one pod, each from its start to its end. */
export const createPodProbes = (options: PodProbesOptions): PodProbes => {
  const watched = new Map<string, Watched>()
  let current: { readonly pod: Pod; readonly podIp: string } | undefined

  const forget = (id: string) => {
    watched.get(id)?.stop.abort()
    watched.delete(id)
  }
  const watch = (container: Container, seen: SeenContainer, known: ProbeResults | undefined) => {
    const entry: Watched = { seen, stop: new AbortController(), results: known ?? {}, started: Promise.withResolvers() }
    watched.set(seen.id, entry)
    if (!container.startupProbe || known?.startup === 'success') entry.started.resolve()
    for (const [kind, probe] of probesOf(container)) {
      const target = () => current && { pod: current.pod, container, containerId: seen.id, podIp: current.podIp }
      void probeLoop(options, { entry, kind, probe, target }).catch((error) =>
        options.env.log.error('a probe loop ended', { container: container.name, error: String(error) }),
      )
    }
  }
  return {
    follow: (pod, seen, memory: PodMemory) => {
      current = { pod, podIp: seen.sandboxes[0]?.ips[0] ?? memory.status?.podIP ?? '' }
      const probed = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers].filter(
        (container) => probesOf(container).length > 0,
      )
      if (probed.length === 0 && watched.size === 0) return
      const running = new Map<string, Container>()
      for (const container of probed) {
        const last = newest(seen, container.name)
        if (last?.state !== 'running') continue
        running.set(last.id, container)
        if (!watched.has(last.id)) watch(container, last, memory.probes.get(last.id))
      }
      for (const id of [...watched.keys()]) if (!running.has(id)) forget(id)
    },
    stop: () => {
      for (const id of [...watched.keys()]) forget(id)
    },
  }
}

interface Loop {
  readonly entry: Watched
  readonly kind: Kind
  readonly probe: Probe
  readonly target: () => Parameters<RunProbe>[1] | undefined
}

const probeLoop = async (options: PodProbesOptions, loop: Loop): Promise<void> => {
  const { env } = options
  const { entry, kind, probe } = loop
  const { signal } = entry.stop
  const dueMs = entry.seen.startedMs + (probe.initialDelaySeconds ?? 0) * 1000
  if (env.now() < dueMs) await env.sleep(dueMs - env.now(), signal)
  if (kind !== 'startup') await Promise.race([entry.started.promise, aborted(signal)])
  if (kind === 'startup' && entry.results.startup === 'success') return
  if (kind === 'readiness' && !probe.exec && entry.results.readiness === undefined) await soonReady(options, loop)
  let tally: Tally = entry.results[kind] === undefined ? freshTally : { run: 0, standing: entry.results[kind] }
  while (!signal.aborted && !isEnding(loop, kind)) {
    const result = await probeOnce(options, loop)
    if (signal.aborted) return
    if (result !== undefined) {
      tally = counted(tally, result, probe)
      tell(options, entry, kind, tally.standing)
      // Nothing more to learn of this container: it has started, or it will be killed.
      if (kind !== 'readiness' && tally.standing === 'failure') return
      if (kind === 'startup' && tally.standing === 'success') return
    }
    await env.sleep((probe.periodSeconds ?? 10) * 1000, signal)
  }
}

/** A pod that is to end is no longer killed for its health; its readiness still counts. */
const isEnding = ({ target }: Loop, kind: Kind): boolean => kind !== 'readiness' && target()?.pod.metadata.deletionTimestamp !== undefined

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/**
 * In the first period after its start a container is asked again and again over the network, ever more slowly, and a failure
 * counts for nothing: upstream would have it wait for a whole period. Ends with the first success, which counts as the first probe.
 */
const soonReady = async ({ env, runProbe, report }: PodProbesOptions, { entry, probe, target }: Loop): Promise<void> => {
  const { signal } = entry.stop
  const untilMs = env.monotonicMs() + (probe.periodSeconds ?? 10) * 1000
  for (let delayMs = 25; !signal.aborted && (probe.successThreshold ?? 1) === 1; delayMs = Math.min(delayMs * 2, 1_000)) {
    const to = target()
    const outcome = to && (await runProbe(probe, to))
    if (signal.aborted || env.monotonicMs() + delayMs >= untilMs) return
    if (outcome?.result === 'success' || outcome?.result === 'warning') {
      entry.results = { ...entry.results, readiness: 'success' }
      report(entry.seen.id, entry.results)
      await env.sleep((probe.periodSeconds ?? 10) * 1000, signal)
      return
    }
    await env.sleep(delayMs, signal)
  }
}

const titles: Record<Kind, string> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

/** Undefined: the probe itself failed, which says nothing about the container. */
const probeOnce = async (
  { runProbe, events }: PodProbesOptions,
  { entry, kind, probe, target }: Loop,
): Promise<ProbeResult | undefined> => {
  const to = target()
  if (!to) return undefined
  const { result, output } = await runProbe(probe, to)
  if (entry.stop.signal.aborted) return undefined
  const warn = (reason: string, text: string) =>
    events.container(to.pod, to.container.name, 'Warning', reason, `${titles[kind]} probe ${text}`)
  switch (result) {
    case 'success':
      return 'success'
    case 'warning':
      warn('ProbeWarning', `warning: ${output}`)
      return 'success'
    case 'failure':
      warn('Unhealthy', `failed: ${output}`)
      return 'failure'
    case 'unknown':
      warn('Unhealthy', `errored and resulted in unknown state: ${output}`)
      return undefined
  }
}

const tell = ({ report }: PodProbesOptions, entry: Watched, kind: Kind, standing: ProbeResult | undefined): void => {
  if (standing === undefined || entry.results[kind] === standing) return
  entry.results = { ...entry.results, [kind]: standing }
  if (kind === 'startup' && standing === 'success') entry.started.resolve()
  report(entry.seen.id, entry.results)
}
