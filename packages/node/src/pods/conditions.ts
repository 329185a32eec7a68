import type { Container, ContainerStatus, Pod, PodCondition } from '@skiff/api'
import { quoted, rfc3339 } from '@skiff/machinery'
import { hasRun, type Phase } from './phase.ts'
import { isSidecar } from './restart.ts'
import type { SeenPod } from './seen.ts'

/** The conditions that the node owns; all others belong to someone else and are kept. */
export const ownConditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'] as const

type Verdict = Omit<PodCondition, 'type' | 'lastTransitionTime'>
const yes: Verdict = { status: 'True' }
const no = (reason: string, message = ''): Verdict => ({ status: 'False', reason, ...(message !== '' ? { message } : {}) })

const find = (statuses: readonly ContainerStatus[], { name }: Container) => statuses.find((status) => status.name === name)

/** `containers with unready status: [a b]`, as Go prints a list; unknown ones first. */
const complaint = (unknown: readonly string[], others: readonly string[], word: string): string =>
  [
    ...(unknown.length > 0 ? [`containers with unknown status: [${unknown.join(' ')}]`] : []),
    ...(others.length > 0 ? [`containers with ${word} status: [${others.join(' ')}]`] : []),
  ].join(', ')

const initialized = (pod: Pod, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[], phase: Phase): Verdict => {
  const specs = pod.spec.initContainers ?? []
  const unknown = specs.filter((container) => !find(inits, container)).map(({ name }) => name)
  if (phase === 'Succeeded' && unknown.length === 0) return { status: 'True', reason: 'PodCompleted' }
  if (hasRun(pod, mains)) return yes
  const incomplete = specs.filter((container) => {
    const status = find(inits, container)
    return status && !(isSidecar(container) ? status.started : status.ready)
  })
  const message = complaint(
    unknown,
    incomplete.map(({ name }) => name),
    'incomplete',
  )
  return message === '' ? yes : no('ContainersNotInitialized', message)
}

const containersReady = (pod: Pod, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[], phase: Phase): Verdict => {
  if (phase === 'Succeeded') return no('PodCompleted')
  if (phase === 'Failed') return no('PodFailed')
  const all = [...inits, ...mains]
  const specs = [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers]
  const unknown = specs.filter((container) => !find(all, container)).map(({ name }) => name)
  const unready = specs.filter((container) => find(all, container)?.ready === false).map(({ name }) => name)
  const message = complaint(unknown, unready, 'unready')
  return message === '' ? yes : no('ContainersNotReady', message)
}

/** The containers' readiness and the conditions that the pod's readiness gates name. */
const ready = (pod: Pod, containers: Verdict): Verdict => {
  if (containers.status !== 'True') return containers
  const complaints = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType)
    if (!gate) return [`corresponding condition of pod readiness gate ${quoted(conditionType)} does not exist.`]
    return gate.status === 'True' ? [] : [`the status of pod readiness gate ${quoted(conditionType)} is not "True", but ${gate.status}`]
  })
  return complaints.length === 0 ? yes : no('ReadinessGatesNotReady', complaints.join(', '))
}

const readyToStart = (pod: Pod, seen: SeenPod): Verdict => {
  const [sandbox] = seen.sandboxes
  return { status: sandbox?.ready && (pod.spec.hostNetwork || sandbox.ips.length > 0) ? 'True' : 'False' }
}

/** The pod's conditions in upstream's order. A time of transition is kept as long as the status stays. */
export const conditionsOf = (
  pod: Pod,
  seen: SeenPod,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  phase: Phase,
  old: readonly PodCondition[] | undefined,
  nowMs: number,
): PodCondition[] => {
  const containers = containersReady(pod, inits, mains, phase)
  const verdicts: Record<(typeof ownConditions)[number], Verdict> = {
    PodReadyToStartContainers: readyToStart(pod, seen),
    Initialized: initialized(pod, inits, mains, phase),
    Ready: ready(pod, containers),
    ContainersReady: containers,
    PodScheduled: yes,
  }
  const now = rfc3339(nowMs)
  const own = ownConditions.map((type): PodCondition => {
    const before = old?.find((condition) => condition.type === type)
    const lastTransitionTime = before?.status === verdicts[type].status ? (before.lastTransitionTime ?? now) : now
    return { type, ...verdicts[type], lastTransitionTime, ...observed(pod) }
  })
  const others = (pod.status?.conditions ?? []).filter(({ type }) => !(ownConditions as readonly string[]).includes(type))
  return [...others, ...own]
}

/** 1.33 keeps observedGeneration only where something set it before. */
export const observed = (pod: Pod): { observedGeneration?: number } =>
  pod.status?.observedGeneration && pod.metadata.generation !== undefined ? { observedGeneration: pod.metadata.generation } : {}
