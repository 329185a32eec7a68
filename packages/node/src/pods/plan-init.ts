import type { Container, Pod } from '@skiff/api'
import type { PodMemory } from './memory.ts'
import { killStep } from './plan-kill.ts'
import { isSidecar, restartsOnFailure } from './restart.ts'
import { hasFailed, newest, type SeenContainer, type SeenPod } from './seen.ts'
import type { KillStep } from './steps.ts'

export interface InitPlan {
  /** The pod's containers may run. */
  readonly done: boolean
  /** An init container failed and the pod restarts nothing. */
  readonly failed: boolean
  readonly kills: readonly KillStep[]
  readonly starts: readonly Container[]
}

/** What one init container stands at, and what it needs. */
interface Standing {
  /** The next one may start. */
  readonly passed: boolean
  readonly start: boolean
  readonly kill?: KillStep
  readonly failed?: boolean
}

/**
 * Init containers run one after the other; sidecars among them stay. Upstream looks for the last one that was ever seen, since
 * those before it have passed even when the runtime no longer holds them.
 */
export const planInit = (pod: Pod, seen: SeenPod, memory: PodMemory): InitPlan => {
  const specs = pod.spec.initContainers ?? []
  const ran = pod.spec.containers.some((container) => ['created', 'running'].includes(newest(seen, container.name)?.state ?? ''))
  const reached = specs.findLastIndex((container) => newest(seen, container.name) !== undefined)
  if (!ran && reached < 0) return { done: specs.length === 0, failed: false, kills: [], starts: specs.slice(0, 1) }

  const before = ran ? specs : specs.slice(0, reached)
  const kept = before.filter(isSidecar).map((container) => ({ container, ...standSidecar(pod, container, seen, memory) }))
  const kills = kept.flatMap(({ kill }) => kill ?? [])
  const starts = kept.filter(({ start }) => start).map(({ container }) => container)
  if (ran) return { done: true, failed: false, kills, starts }

  const current = specs[reached] as Container
  const standing = isSidecar(current) ? standSidecar(pod, current, seen, memory) : standOnce(pod, current, seen, memory)
  if (standing.failed) return { done: false, failed: true, kills: [], starts: [] }
  const next = standing.passed ? specs.slice(reached + 1, reached + 2) : []
  return {
    done: standing.passed && reached === specs.length - 1,
    failed: false,
    kills: [...kills, ...(standing.kill ? [standing.kill] : [])],
    starts: [...starts, ...(standing.start ? [current] : []), ...next],
  }
}

const standOnce = (pod: Pod, container: Container, seen: SeenPod, memory: PodMemory): Standing => {
  const last = newest(seen, container.name) as SeenContainer
  if (hasFailed(last)) {
    if (!restartsOnFailure(pod)) return { passed: false, start: false, failed: true }
    return last.state === 'unknown' ? { passed: false, start: true, kill: killUnknown(pod, last, memory) } : { passed: false, start: true }
  }
  return { passed: last.state === 'exited', start: last.state === 'created' }
}

/** A sidecar has passed once it started: it runs, and its startup probe, if it has one, succeeded. */
const standSidecar = (pod: Pod, container: Container, seen: SeenPod, memory: PodMemory): Standing => {
  const last = newest(seen, container.name)
  if (!last || last.state === 'created' || last.state === 'exited') return { passed: false, start: true }
  if (last.state === 'unknown') return { passed: false, start: true, kill: killUnknown(pod, last, memory) }
  const probes = memory.probes.get(last.id)
  const kill = (cause: 'startup' | 'liveness'): Standing => ({
    passed: cause === 'liveness',
    start: true,
    kill: killStep(pod, last, cause, `Init container ${container.name} failed ${cause} probe`, memory),
  })
  if (container.startupProbe && probes?.startup !== 'success') {
    return probes?.startup === 'failure' ? kill('startup') : { passed: false, start: false }
  }
  return probes?.liveness === 'failure' ? kill('liveness') : { passed: true, start: false }
}

const killUnknown = (pod: Pod, container: SeenContainer, memory: PodMemory): KillStep =>
  killStep(pod, container, 'unknown', 'Init container is in "unknown" state, try killing it before restart', memory)
