import type { Container, Pod } from '@skiff/api'
import type { PodMemory } from './memory.ts'
import { isSidecar } from './restart.ts'
import { isAlive, type SeenContainer, type SeenPod } from './seen.ts'
import type { KillCause, KillStep } from './steps.ts'

/** Upstream gives every container this much, so that nothing is killed outright by a grace period of zero. */
export const leastGraceSeconds = 2

/** All containers of a pod's spec, ephemeral ones included. */
export const specContainers = (pod: Pod): readonly Container[] => [
  ...(pod.spec.initContainers ?? []),
  ...pod.spec.containers,
  ...(pod.spec.ephemeralContainers ?? []),
]

/** How long the container may take to end: the object's deletion first, then the probe that failed, then the pod's spec. */
export const graceSeconds = (pod: Pod, container: Container | undefined, cause: KillCause, memory: PodMemory): number => {
  const own = pod.metadata.deletionGracePeriodSeconds ?? probeGrace(container, cause) ?? pod.spec.terminationGracePeriodSeconds
  const asked = memory.ending?.graceSeconds
  const seconds = asked === undefined ? own : Math.min(asked, own ?? asked)
  return Math.max(seconds ?? leastGraceSeconds, leastGraceSeconds)
}

const probeGrace = (container: Container | undefined, cause: KillCause): number | undefined => {
  if (cause === 'liveness') return container?.livenessProbe?.terminationGracePeriodSeconds
  if (cause === 'startup') return container?.startupProbe?.terminationGracePeriodSeconds
  return undefined
}

export const killStep = (pod: Pod, container: SeenContainer, cause: KillCause, message: string, memory: PodMemory): KillStep => ({
  do: 'kill',
  container,
  cause,
  message,
  graceSeconds: graceSeconds(
    pod,
    specContainers(pod).find((spec) => spec.name === container.name),
    cause,
    memory,
  ),
  turn: 0,
})

/** Ends everything that may run: sidecars after all others, the last of them first. */
export const killAll = (pod: Pod, seen: SeenPod, cause: KillCause, memory: PodMemory): KillStep[] => {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((container) => container.name)
  return seen.containers.filter(isAlive).map((container) => ({
    ...killStep(pod, container, cause, `Stopping container ${container.name}`, memory),
    turn: sidecars.includes(container.name) ? sidecars.length - sidecars.indexOf(container.name) : 0,
  }))
}

/** What ends a pod: its containers, then its sandboxes, then the rest. Each part only once the one before is done. */
export const planEnd = (pod: Pod, seen: SeenPod, memory: PodMemory) => {
  const kills = killAll(pod, seen, 'ending', memory)
  if (kills.length > 0) return kills
  const ready = seen.sandboxes.filter((sandbox) => sandbox.ready)
  if (ready.length > 0) return ready.map((sandbox) => ({ do: 'stopSandbox' as const, sandboxId: sandbox.id }))
  return [{ do: 'finish' as const }]
}
