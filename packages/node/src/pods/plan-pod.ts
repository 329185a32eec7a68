import type { Container, Pod } from '@skiff/api'
import { durationTextMs } from '@skiff/machinery'
import { grown, heldUntil } from './back-off.ts'

import type { PodMemory } from './memory.ts'
import { containerHash, describePod } from './naming.ts'
import { planInit } from './plan-init.ts'
import { killAll, killStep, planEnd } from './plan-kill.ts'
import { isOver, isSidecar, restartsOnFailure, shouldStart } from './restart.ts'
import { hasFailed, isAlive, newest, type SeenContainer, type SeenPod } from './seen.ts'
import type { ContainerKind, KillStep, StartStep, Step } from './steps.ts'

/**
 * Decides what a pod needs next. Pure: `pod` as the server holds it, `seen` as the runtime holds it, `memory` what the agent
 * remembers. An empty plan means that all is well until something changes.
 */
export const planPod = (pod: Pod, seen: SeenPod, memory: PodMemory, nowMs: number): readonly Step[] => {
  if (memory.gone || memory.ending || pod.metadata.deletionTimestamp !== undefined || isOver(pod, memory)) return planEnd(pod, seen, memory)
  const deadlineMs = deadlineOf(pod, memory)
  if (deadlineMs !== undefined && nowMs >= deadlineMs) {
    return [{ do: 'fail', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }]
  }
  const steps = needsSandbox(pod, seen) ? planSandbox(pod, seen, memory, nowMs) : planContainers(pod, seen, memory, nowMs)
  const holds = steps.flatMap((step) => (step.do === 'hold' ? step.untilMs : []))
  const wakeMs = Math.min(deadlineMs ?? Number.POSITIVE_INFINITY, ...holds)
  return [...steps, ...pruned(pod, seen, steps), ...(Number.isFinite(wakeMs) ? [{ do: 'wake' as const, atMs: wakeMs }] : [])]
}

const deadlineOf = (pod: Pod, memory: PodMemory): number | undefined => {
  const startTime = memory.status?.startTime ?? pod.status?.startTime
  if (pod.spec.activeDeadlineSeconds === undefined || startTime === undefined) return undefined
  return Date.parse(startTime) + pod.spec.activeDeadlineSeconds * 1000
}

/** Exactly one ready sandbox, the newest, with the right network and an address, is kept. */
const needsSandbox = (pod: Pod, seen: SeenPod): boolean => {
  const [sandbox] = seen.sandboxes
  if (!sandbox?.ready || seen.sandboxes.filter((other) => other.ready).length > 1) return true
  if (sandbox.network !== (pod.spec.hostNetwork ? 'node' : 'pod')) return true
  return !pod.spec.hostNetwork && sandbox.ips.length === 0
}

/** Replaces the sandbox, and with it everything that ran in it; init containers run again. */
const planSandbox = (pod: Pod, seen: SeenPod, memory: PodMemory, nowMs: number): Step[] => {
  const stops: Step[] = [
    ...killAll(pod, seen, 'sandbox', memory),
    ...seen.sandboxes.filter((sandbox) => sandbox.ready).map((sandbox) => ({ do: 'stopSandbox' as const, sandboxId: sandbox.id })),
  ]
  const [last] = seen.sandboxes
  const attempt = last ? last.attempt + 1 : 0
  const inits = pod.spec.initContainers ?? []
  if (!restartsOnFailure(pod) && hasBegun(pod, seen)) return [...stops, ...endUnbegun(pod, seen)]
  const mains = pod.spec.containers.filter(({ name }) => !(pod.spec.restartPolicy === 'OnFailure' && hasSucceeded(newest(seen, name))))
  if (mains.length === 0 && planInit(pod, seen, memory).done) return stops
  const first = inits[0]
  const retryMs = memory.sandboxRetry?.atMs ?? 0
  if (nowMs < retryMs) return [...stops, { do: 'wake', atMs: retryMs }]
  return [
    ...stops,
    ...seen.containers
      .filter(({ name }) => inits.some((init) => init.name === name))
      .map((container) => ({ do: 'remove' as const, container })),
    { do: 'createSandbox', attempt, replaces: last !== undefined },
    ...(first ? [first] : mains).flatMap((container) => startOrHold(pod, container, kindOf(pod, container), seen, memory, nowMs)),
  ]
}

/**
 * What a pod that never restarts has begun, it does not begin again. Init containers that succeeded are no beginning: upstream
 * counts them, and leaves a pod whose sandbox is lost right after them pending for ever.
 */
const hasBegun = (pod: Pod, seen: SeenPod): boolean =>
  pod.spec.containers.some((container) => hasRun(seen, container)) ||
  (pod.spec.initContainers ?? []).some((init) => !isSidecar(init) && failedLast(seen, init))

/** One that was made and never started counts for nothing. */
const hasRun = (seen: SeenPod, { name }: Container): boolean => (newest(seen, name)?.state ?? 'created') !== 'created'

const failedLast = (seen: SeenPod, { name }: Container): boolean => {
  const last = newest(seen, name)
  return last !== undefined && hasFailed(last)
}

/**
 * A container that had not started when the sandbox was lost never will, so the pod is over. Upstream leaves it pending for ever,
 * and a Job waits as long.
 */
const endUnbegun = (pod: Pod, seen: SeenPod): Step[] => {
  const unbegun = pod.spec.containers.filter((container) => !hasRun(seen, container)).map(({ name }) => name)
  if (unbegun.length === 0 || (pod.spec.initContainers ?? []).some((init) => !isSidecar(init) && failedLast(seen, init))) return []
  const message = `Pod sandbox was lost before these containers had started: ${unbegun.join(', ')}`
  return [{ do: 'fail', reason: 'SandboxLost', message }]
}

const hasSucceeded = (container: SeenContainer | undefined): boolean => container?.state === 'exited' && container.exitCode === 0

const planContainers = (pod: Pod, seen: SeenPod, memory: PodMemory, nowMs: number): Step[] => {
  const start = (container: Container, kind: ContainerKind) => startOrHold(pod, container, kind, seen, memory, nowMs)
  const ephemeral = (pod.spec.ephemeralContainers ?? [])
    .filter((container) => (newest(seen, container.name)?.state ?? 'created') === 'created')
    .flatMap((container) => start(container, 'ephemeral'))
  const init = planInit(pod, seen, memory)
  if (init.failed) return endContainers(pod, seen, memory)
  const initStarts = init.starts.flatMap((container) => start(container, isSidecar(container) ? 'sidecar' : 'init'))
  if (!init.done) return [...init.kills, ...ephemeral, ...initStarts]

  const mains = pod.spec.containers.map((container) => planMain(pod, container, seen, memory))
  // Nothing is kept and nothing starts: the pod is done, and sidecars end with it.
  if (mains.every(({ keep, start }) => !keep && !start)) return endContainers(pod, seen, memory)
  return [
    ...init.kills,
    ...mains.flatMap(({ kill }) => kill ?? []),
    ...ephemeral,
    ...initStarts,
    ...mains.filter((main) => main.start).flatMap(({ container }) => start(container, 'main')),
  ]
}

/** As planEnd, but what has to be freed is left until the status says that the pod is over. */
const endContainers = (pod: Pod, seen: SeenPod, memory: PodMemory): Step[] =>
  planEnd(pod, seen, memory).filter((step) => step.do !== 'finish')

interface MainPlan {
  readonly container: Container
  readonly keep: boolean
  readonly start: boolean
  readonly kill?: KillStep
}

const planMain = (pod: Pod, container: Container, seen: SeenPod, memory: PodMemory): MainPlan => {
  const last = newest(seen, container.name)
  if (last?.state !== 'running') {
    const start = shouldStart(pod, container, seen)
    if (!start || last?.state !== 'unknown') return { container, keep: false, start }
    const message = 'Container is in "unknown" state, try killing it before restart'
    return { container, keep: false, start, kill: killStep(pod, last, 'unknown', message, memory) }
  }
  const probes = memory.probes.get(last.id)
  const kill = (cause: 'changed' | 'liveness' | 'startup', what: string, restarts: boolean): MainPlan => {
    const message = `Container ${container.name} ${what}${restarts ? ', will be restarted' : ''}`
    return { container, keep: false, start: restarts, kill: killStep(pod, last, cause, message, memory) }
  }
  // A changed definition restarts whatever the policy says.
  if (last.hash !== '' && last.hash !== containerHash(container)) return kill('changed', 'definition changed', true)
  if (probes?.liveness === 'failure') return kill('liveness', 'failed liveness probe', restartsOnFailure(pod))
  if (probes?.startup === 'failure') return kill('startup', 'failed startup probe', restartsOnFailure(pod))
  return { container, keep: true, start: false }
}

const kindOf = (pod: Pod, container: Container): ContainerKind =>
  !pod.spec.initContainers?.includes(container) ? 'main' : isSidecar(container) ? 'sidecar' : 'init'

/**
 * The delay counts from the end of the newest container that has exited. One that is killed in this very plan is not among them,
 * so a failing probe restarts at once until the delays have grown past its period: upstream's rule.
 */
const startOrHold = (pod: Pod, container: Container, kind: ContainerKind, seen: SeenPod, memory: PodMemory, nowMs: number): Step[] => {
  const { name } = container
  const retryMs = memory.failures.get(name)?.retryAtMs ?? 0
  if (nowMs < retryMs) return [{ do: 'wake', atMs: retryMs }]
  const last = newest(seen, name)
  // One that was made but never started (the agent died in between) is made anew, and that is no restart.
  if (last?.state === 'created') {
    return [
      { do: 'remove', container: last },
      { do: 'start', kind, name, restartCount: last.restartCount },
    ]
  }
  const step: StartStep = { do: 'start', kind, name, restartCount: last ? last.restartCount + 1 : 0 }
  const exited = seen.containers.find((other) => other.name === name && other.state === 'exited')
  if (!exited) return [step]
  const entry = memory.restarts.get(name)
  const untilMs = heldUntil(entry, exited.finishedMs, nowMs)
  if (untilMs === undefined) return [{ ...step, backOff: grown(entry, exited.finishedMs, nowMs) }]
  const message = `back-off ${durationTextMs(entry?.delayMs ?? 0)} restarting failed container=${name} pod=${describePod(pod)}`
  return [{ do: 'hold', kind, name, message, untilMs }]
}

/** Of each container the newest two instances stay, so that the last one's end and log can be shown. */
const pruned = (pod: Pod, seen: SeenPod, steps: readonly Step[]): Step[] => {
  const removed = new Set(steps.flatMap((step) => (step.do === 'remove' ? step.container.id : [])))
  const prunable = new Set([...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name))
  const counts = new Map<string, number>()
  const old = seen.containers.filter((container) => {
    const count = (counts.get(container.name) ?? 0) + 1
    counts.set(container.name, count)
    return count > 2 && !isAlive(container) && prunable.has(container.name) && !removed.has(container.id)
  })
  const gone = new Set([...removed, ...old.map(({ id }) => id)])
  const empty = seen.sandboxes.filter(
    (sandbox, index) =>
      index > 0 && !sandbox.ready && !seen.containers.some(({ id, sandboxId }) => sandboxId === sandbox.id && !gone.has(id)),
  )
  return [
    ...old.map((container) => ({ do: 'remove' as const, container })),
    ...empty.map((sandbox) => ({ do: 'removeSandbox' as const, sandboxId: sandbox.id })),
  ]
}
