import type { Container, ContainerState, ContainerStatus, Pod } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import type { PodMemory } from './memory.ts'
import { isSidecar, shouldStart } from './restart.ts'
import { newest, type SeenContainer, type SeenPod } from './seen.ts'

/** `containerd` in `containerd://…`: the runtime's own name. */
export type RuntimeName = string

const unlocated = (message: string): ContainerState => ({
  terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message },
})

/** The state of one instance; `old` is what was last written of the container. */
const stateOf = (seen: SeenContainer, old: ContainerStatus | undefined, runtime: RuntimeName): ContainerState => {
  switch (seen.state) {
    case 'running':
      return { running: { startedAt: rfc3339(seen.startedMs) } }
    case 'exited':
      return { terminated: terminated(seen, runtime) }
    case 'created':
      return { waiting: { reason: 'ContainerCreating' } }
    case 'unknown':
      return old?.state?.running ? unlocated('The container could not be located when the pod was terminated') : { waiting: {} }
  }
}

const terminated = (seen: SeenContainer, runtime: RuntimeName) => ({
  exitCode: seen.exitCode,
  ...(seen.reason !== '' ? { reason: seen.reason } : {}),
  ...(seen.message !== '' ? { message: seen.message } : {}),
  startedAt: rfc3339(seen.startedMs),
  finishedAt: rfc3339(seen.finishedMs),
  containerID: `${runtime}://${seen.id}`,
})

const fromSeen = (
  container: Container,
  seen: SeenPod,
  last: SeenContainer,
  old: ContainerStatus | undefined,
  runtime: RuntimeName,
): ContainerStatus => {
  const before = seen.containers.filter(({ name }) => name === container.name)[1]
  const lastState = before ? stateOf(before, undefined, runtime) : old?.lastState
  return {
    name: container.name,
    state: stateOf(last, old, runtime),
    ...(lastState && Object.keys(lastState).length > 0 ? { lastState } : {}),
    ready: false,
    restartCount: last.restartCount,
    image: last.image,
    imageID: last.imageId,
    containerID: `${runtime}://${last.id}`,
    ...(container.resources ? { resources: withoutClaims(container) } : { resources: {} }),
  }
}

const withoutClaims = ({ resources }: Container) => ({
  ...(resources?.limits ? { limits: resources.limits } : {}),
  ...(resources?.requests ? { requests: resources.requests } : {}),
})

/** Nothing in the runtime: waiting, or what was last known of it. */
const fromMemory = (pod: Pod, container: Container, old: ContainerStatus | undefined): ContainerStatus => {
  const reason = (pod.spec.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating'
  // Ended containers may be removed at any time; what was said of them stands.
  if (old?.state?.terminated) return old
  const waiting: ContainerStatus = {
    name: container.name,
    state: { waiting: { reason } },
    ...(old?.lastState ? { lastState: old.lastState } : {}),
    ready: false,
    restartCount: old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
  }
  if (!old?.state?.running || pod.metadata.deletionTimestamp === undefined || old.lastState?.terminated) return waiting
  const message = 'The container could not be located when the pod was deleted.  The container used to be Running'
  return { ...waiting, lastState: unlocated(message) }
}

/** A container that is to start, but could not, waits for the reason that it could not. */
const withFailure = (pod: Pod, container: Container, seen: SeenPod, memory: PodMemory, status: ContainerStatus): ContainerStatus => {
  const failure = memory.failures.get(container.name)
  const last = newest(seen, container.name)
  if (!failure || last?.state === 'running' || !shouldStart(pod, container, seen)) return status
  return {
    ...status,
    state: { waiting: { reason: failure.reason, ...(failure.message !== '' ? { message: failure.message } : {}) } },
    ...(status.state?.terminated ? { lastState: status.state } : {}),
  }
}

/** Started and ready, by the container's state and what its probes found. */
const withProbes = (container: Container, seen: SeenPod, memory: PodMemory, status: ContainerStatus, isInit: boolean): ContainerStatus => {
  const last = newest(seen, container.name)
  const probes = last ? memory.probes.get(last.id) : undefined
  const running = status.state?.running !== undefined
  const started = running && (!container.startupProbe || probes?.startup === 'success')
  const ready =
    isInit && !isSidecar(container)
      ? status.state?.terminated?.exitCode === 0
      : started && (!container.readinessProbe || probes?.readiness === 'success')
  return { ...status, ready, started }
}

const mountsOf = (container: Container) =>
  (container.volumeMounts ?? []).map(({ name, mountPath, readOnly, recursiveReadOnly }) => ({
    name,
    mountPath,
    ...(readOnly ? { readOnly, recursiveReadOnly: recursiveReadOnly === 'Enabled' ? 'Enabled' : 'Disabled' } : {}),
  }))

export type StatusGroup = 'init' | 'main' | 'ephemeral'

/** The statuses of a list of containers of the spec, in upstream's order: init containers as in the spec, others by name. */
export const containerStatuses = (
  pod: Pod,
  group: StatusGroup,
  seen: SeenPod,
  memory: PodMemory,
  old: readonly ContainerStatus[] | undefined,
  runtime: RuntimeName,
): ContainerStatus[] => {
  const specs: readonly Container[] =
    (group === 'init' ? pod.spec.initContainers : group === 'main' ? pod.spec.containers : pod.spec.ephemeralContainers) ?? []
  const statuses = specs.map((container) => {
    const last = newest(seen, container.name)
    const before = old?.find(({ name }) => name === container.name)
    const plain = last ? fromSeen(container, seen, last, before, runtime) : fromMemory(pod, container, before)
    const ended = group === 'init' && last?.state === 'exited' && last.exitCode === 0 && !isSidecar(container)
    const waiting = ended ? plain : withFailure(pod, container, seen, memory, plain)
    const mounts = mountsOf(container)
    const mounted = mounts.length > 0 ? { ...waiting, volumeMounts: mounts } : waiting
    return group === 'ephemeral' ? mounted : withProbes(container, seen, memory, mounted, group === 'init')
  })
  return group === 'init' ? statuses : statuses.sort((a, b) => (a.name < b.name ? -1 : 1))
}
