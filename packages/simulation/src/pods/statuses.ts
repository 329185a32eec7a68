import type { Container, ContainerState, ContainerStatus, Pod, PodStatus } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import type { Behaviour } from './behaviour.ts'
import { conditionsOf, type Verdicts } from './conditions.ts'

/** What a pod's status needs to know of its node. */
export interface PodPlace {
  readonly hostIP: string
  /** The pod's own address, or the node's where it shares its network. */
  readonly podIP: string
}

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

const statusOf = (pod: Pod, { name, image }: Container, state: ContainerState, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  state,
  lastState: {},
  ready: false,
  restartCount: 0,
  image: image ?? '',
  imageID: '',
  containerID: `simulated://${pod.metadata.uid}/${name}`,
  started: false,
  ...more,
})

const withStatus = (pod: Pod, verdicts: Verdicts, nowMs: number, changes: Partial<PodStatus>): Pod => {
  const now = rfc3339(nowMs)
  return { ...pod, status: { ...pod.status, ...changes, conditions: conditionsOf(pod, verdicts, now) } }
}

const namesOf = ({ spec }: Pod): readonly string[] => [
  ...(spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name),
  ...spec.containers.map(({ name }) => name),
]

const addressed = ({ hostIP, podIP }: PodPlace): Partial<PodStatus> => ({
  hostIP,
  hostIPs: [{ ip: hostIP }],
  podIP,
  podIPs: [{ ip: podIP }],
})

/** Nothing runs yet: the containers are being made, or their image cannot be had. */
export const waiting = (pod: Pod, hostIP: string, reason: string, message: string | undefined, nowMs: number): Pod => {
  const state = { waiting: { reason, ...(message !== undefined ? { message } : {}) } }
  const inits = pod.spec.initContainers ?? []
  const first = (container: Container) => {
    const { containerID: _none, ...status } = statusOf(pod, container, state)
    return status
  }
  const verdicts = { started: false, initialized: inits.length === 0, unready: namesOf(pod) }
  return withStatus(pod, verdicts, nowMs, {
    phase: 'Pending',
    startTime: pod.status?.startTime ?? rfc3339(nowMs),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(inits.length > 0 ? { initContainerStatuses: inits.map(first) } : {}),
    containerStatuses: pod.spec.containers.map(first),
  })
}

/** The image of each container, where the pod waits for one. */
export const pullMessage = (pod: Pod, backingOff: boolean): string => {
  const image = pod.spec.containers[0]?.image ?? ''
  return backingOff
    ? `Back-off pulling image ${JSON.stringify(image)}: ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image ${JSON.stringify(image)}: not found`
    : `rpc error: code = NotFound desc = failed to pull and unpack image ${JSON.stringify(image)}: not found`
}

const completed = (now: string): ContainerState => ({
  terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now },
})

/** Init containers have ended well, the rest runs. */
export const running = (pod: Pod, place: PodPlace, isReady: boolean, nowMs: number): Pod => {
  const now = rfc3339(nowMs)
  const inits = pod.spec.initContainers ?? []
  const run = (container: Container) => statusOf(pod, container, { running: { startedAt: now } }, { ready: isReady, started: true })
  const init = (container: Container) => (isSidecar(container) ? run(container) : statusOf(pod, container, completed(now), { ready: true }))
  return withStatus(pod, { started: true, initialized: true, unready: isReady ? [] : namesOf(pod) }, nowMs, {
    phase: 'Running',
    startTime: pod.status?.startTime ?? now,
    ...addressed(place),
    ...(inits.length > 0 ? { initContainerStatuses: inits.map(init) } : {}),
    containerStatuses: pod.spec.containers.map(run),
  })
}

/** The same containers, ready or not; conditions follow, gates included. */
export const withReadiness = (pod: Pod, isReady: boolean, nowMs: number): Pod => {
  const set = (status: ContainerStatus): ContainerStatus =>
    status.state?.running && status.ready !== isReady ? { ...status, ready: isReady } : status
  const { initContainerStatuses, containerStatuses = [] } = pod.status ?? {}
  const mains = containerStatuses.map(set)
  const unready = mains.filter(({ ready }) => !ready).map(({ name }) => name)
  return withStatus(pod, { started: true, initialized: true, unready }, nowMs, {
    ...(initContainerStatuses ? { initContainerStatuses: initContainerStatuses.map(set) } : {}),
    containerStatuses: mains,
  })
}

/** The conditions as the containers and gates stand now. */
export const withConditions = (pod: Pod, nowMs: number): Pod =>
  withReadiness(pod, pod.status?.containerStatuses?.every(({ ready }) => ready) ?? false, nowMs)

/** Containers that were added for debugging run as well. They count for nothing else. */
export const withEphemeral = (pod: Pod, nowMs: number): Pod => {
  const held = pod.status?.ephemeralContainerStatuses ?? []
  const state = { running: { startedAt: rfc3339(nowMs) } }
  const added = (pod.spec.ephemeralContainers ?? []).filter(({ name }) => held.every((each) => each.name !== name))
  return {
    ...pod,
    status: {
      ...pod.status,
      ephemeralContainerStatuses: [...held, ...added.map((container) => statusOf(pod, container as Container, state))],
    },
  }
}

/** The end of a container that ran since `startedAt`. */
const ended = ({ exitCode, oom }: Behaviour, startedAt: string | undefined, now: string): ContainerState => ({
  terminated: {
    exitCode,
    reason: oom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error',
    startedAt: startedAt ?? now,
    finishedAt: now,
  },
})

const backOffMs = (restarts: number): number => Math.min(300_000, 10_000 * 2 ** Math.max(0, restarts - 1))
/** How long the containers of a pod wait until they are started again. */
export const restartDelayMs = (pod: Pod): number => backOffMs(pod.status?.containerStatuses?.[0]?.restartCount ?? 0)

const crashMessage = (pod: Pod, container: string, restarts: number): string => {
  const { name, namespace = '', uid } = pod.metadata
  const ms = backOffMs(restarts)
  const back = ms === 300_000 ? '5m0s' : ms >= 60_000 ? `${Math.floor(ms / 60_000)}m${(ms % 60_000) / 1_000}s` : `${ms / 1_000}s`
  return `back-off ${back} restarting failed container=${container} pod=${name}_${namespace}(${uid})`
}

/** All containers have ended: the pod with them, or they start anew - the first time at once, then after a back-off. */
export const exited = (pod: Pod, behaviour: Behaviour, nowMs: number): Pod => {
  const now = rfc3339(nowMs)
  const { restartPolicy = 'Always' } = pod.spec
  const restarts = restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && behaviour.exitCode !== 0)
  const held = pod.status?.containerStatuses ?? []
  const end = (status: ContainerStatus) => ended(behaviour, status.state?.running?.startedAt, now)
  if (!restarts) {
    const phase = behaviour.exitCode === 0 ? 'Succeeded' : 'Failed'
    const stop = (status: ContainerStatus) => ({ ...status, state: end(status), ready: false, started: false })
    return withStatus(pod, { started: false, initialized: true, unready: phase }, nowMs, { phase, containerStatuses: held.map(stop) })
  }
  if ((held[0]?.restartCount ?? 0) === 0) return startedAgain(pod, (status) => end(status), behaviour.readyMs <= 0, nowMs)
  const wait = (status: ContainerStatus): ContainerStatus => ({
    ...status,
    state: { waiting: { reason: 'CrashLoopBackOff', message: crashMessage(pod, status.name, status.restartCount) } },
    lastState: end(status),
    ready: false,
    started: false,
  })
  const unready = pod.spec.containers.map(({ name }) => name)
  return withStatus(pod, { started: true, initialized: true, unready }, nowMs, { containerStatuses: held.map(wait) })
}

/** Stopped for good before its own end, whatever its restart policy. */
export const stopped = (pod: Pod, behaviour: Behaviour, nowMs: number): Pod => {
  const once: Pod = { ...pod, spec: { ...pod.spec, restartPolicy: 'Never' } }
  return { ...exited(once, { ...behaviour, oom: false, exitCode: 137 }, nowMs), spec: pod.spec }
}

/** Containers that waited out their back-off run once more. */
export const restarted = (pod: Pod, behaviour: Behaviour, nowMs: number): Pod =>
  startedAgain(pod, (status) => status.lastState ?? {}, behaviour.readyMs <= 0, nowMs)

const startedAgain = (pod: Pod, lastState: (status: ContainerStatus) => ContainerState, isReady: boolean, nowMs: number): Pod => {
  const start = (status: ContainerStatus): ContainerStatus => ({
    ...status,
    state: { running: { startedAt: rfc3339(nowMs) } },
    lastState: lastState(status),
    restartCount: status.restartCount + 1,
    ready: isReady,
    started: true,
  })
  const unready = isReady ? [] : pod.spec.containers.map(({ name }) => name)
  const statuses = (pod.status?.containerStatuses ?? []).map(start)
  return withStatus(pod, { started: true, initialized: true, unready }, nowMs, { containerStatuses: statuses })
}
