import { humanDuration, parseTimeMs } from '@skiff/machinery'
import type { ContainerStatus, Pod } from '../generated/types.ts'
import { cells } from './column.ts'
import { isTrue } from './texts.ts'

interface Summary {
  readonly ready: number
  readonly total: number
  readonly reason: string
  readonly restarts: number
  /** When the last of the counted containers ended; 0 when none has. */
  readonly lastRestartMs: number
}

interface Tally {
  ready: number
  restarts: number
  lastRestartMs: number
}

const count = (tally: Tally, status: ContainerStatus): void => {
  tally.restarts += status.restartCount
  const finished = status.lastState?.terminated?.finishedAt
  if (finished) tally.lastRestartMs = Math.max(tally.lastRestartMs, parseTimeMs(finished))
}

const endText = (terminated: { readonly reason?: string; readonly signal?: number; readonly exitCode: number }): string =>
  terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`)

/** What kubectl tells of a pod in three columns: containers ready, the most telling reason, restarts. */
const summarise = (pod: Pod): Summary => {
  const { spec, status = {}, metadata } = pod
  const restartable = new Set((spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always').map((each) => each.name))
  const initial = initialState(pod, restartable)
  let tally: Tally = initial.all
  let reason = initial.reason ?? startReason(pod)
  if (initial.reason === undefined || isTrue(status.conditions, 'Initialized')) {
    tally = { ...initial.restartable, ready: initial.all.ready }
    reason = runningReason(pod, tally, reason)
  }
  if (metadata.deletionTimestamp) {
    if (status.reason === 'NodeLost') reason = 'Unknown'
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') reason = 'Terminating'
  }
  return { ...tally, total: (spec.containers?.length ?? 0) + restartable.size, reason }
}

const startReason = ({ status }: Pod): string => {
  const gated = status?.conditions?.some((each) => each.type === 'PodScheduled' && each.reason === 'SchedulingGated')
  return gated ? 'SchedulingGated' : status?.reason || status?.phase || ''
}

/** How far the init containers have come: the reason of the first that holds the pod up, if one does. */
const initialState = ({ spec, status }: Pod, restartable: ReadonlySet<string>) => {
  const all: Tally = { ready: 0, restarts: 0, lastRestartMs: 0 }
  const lasting: Tally = { ready: 0, restarts: 0, lastRestartMs: 0 }
  for (const [index, each] of (status?.initContainerStatuses ?? []).entries()) {
    const stays = restartable.has(each.name)
    count(all, each)
    if (stays) count(lasting, each)
    const { terminated, waiting } = each.state ?? {}
    if (terminated && terminated.exitCode === 0) continue
    if (stays && each.started) {
      if (each.ready) all.ready++
      continue
    }
    const waits = waiting?.reason && waiting.reason !== 'PodInitializing'
    const reason = terminated ? endText(terminated) : waits ? waiting.reason : `${index}/${spec.initContainers?.length ?? 0}`
    return { all, restartable: lasting, reason: `Init:${reason}` }
  }
  return { all, restartable: lasting, reason: undefined }
}

const runningReason = ({ status }: Pod, tally: Tally, before: string): string => {
  let reason = before
  let running = false
  for (const each of [...(status?.containerStatuses ?? [])].reverse()) {
    count(tally, each)
    const { waiting, terminated, running: runs } = each.state ?? {}
    if (waiting?.reason) reason = waiting.reason
    else if (terminated) reason = endText(terminated)
    else if (each.ready && runs) {
      running = true
      tally.ready++
    }
  }
  if (reason !== 'Completed' || !running) return reason
  return isTrue(status?.conditions, 'Ready') ? 'Running' : 'NotReady'
}

const restartsText = ({ restarts, lastRestartMs }: Summary, nowMs: number): string =>
  restarts > 0 && lastRestartMs > 0 ? `${restarts} (${humanDuration(nowMs - lastRestartMs)} ago)` : String(restarts)

export const podCells = cells<Pod>({
  Ready: (pod) => {
    const { ready, total } = summarise(pod)
    return `${ready}/${total}`
  },
  Status: (pod) => summarise(pod).reason,
  Restarts: (pod, nowMs) => restartsText(summarise(pod), nowMs),
  'Readiness Gates': ({ spec, status }) => {
    const gates = spec.readinessGates ?? []
    if (gates.length === 0) return '<none>'
    return `${gates.filter((gate) => isTrue(status?.conditions, gate.conditionType)).length}/${gates.length}`
  },
})

/** Conditions that a pod's row carries besides its cells. */
export const podRowConditions = (pod: Pod): readonly unknown[] | undefined => {
  const { phase } = pod.status ?? {}
  if (phase === 'Succeeded') return [{ type: 'Completed', status: 'True', reason: phase, message: 'The pod has completed successfully.' }]
  if (phase === 'Failed') return [{ type: 'Completed', status: 'True', reason: phase, message: 'The pod failed.' }]
  return undefined
}
