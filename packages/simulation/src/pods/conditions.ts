import type { Pod, PodCondition } from '@skiff/api'

const ownTypes = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']

/** What the node says of a pod as a whole. */
export interface Verdicts {
  /** The sandbox is there. */
  readonly started: boolean
  readonly initialized: boolean
  /** Names of the containers that are not ready; 'ended': all have, the pod with them. */
  readonly unready: readonly string[] | 'Succeeded' | 'Failed'
}

interface Verdict {
  readonly status: 'True' | 'False'
  readonly reason?: string
  readonly message?: string
}
const yes: Verdict = { status: 'True' }
const no = (reason: string, message?: string): Verdict => ({ status: 'False', reason, ...(message !== undefined ? { message } : {}) })

/** The pod's conditions in upstream's order and words. A time of transition is kept as long as the status stays. */
export const conditionsOf = (pod: Pod, verdicts: Verdicts, now: string): PodCondition[] => {
  const old = pod.status?.conditions ?? []
  const containers = containersReady(verdicts)
  const wanted = [started(verdicts), initialized(pod, verdicts), readiness(pod, containers), containers, yes]
  const own = ownTypes.map((type, i): PodCondition => {
    const verdict = wanted[i] as Verdict
    const before = old.find((condition) => condition.type === type)
    const since = before?.status === verdict.status ? (before.lastTransitionTime ?? now) : now
    return { type, ...verdict, lastTransitionTime: since }
  })
  return [...old.filter(({ type }) => !ownTypes.includes(type)), ...own]
}

const started = (verdicts: Verdicts): Verdict => ({
  status: verdicts.started && typeof verdicts.unready !== 'string' ? 'True' : 'False',
})

const initialized = (pod: Pod, verdicts: Verdicts): Verdict => {
  if (verdicts.unready === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  if (verdicts.initialized) return yes
  const names = (pod.spec.initContainers ?? []).map(({ name }) => name)
  return no('ContainersNotInitialized', `containers with incomplete status: [${names.join(' ')}]`)
}

const containersReady = ({ unready }: Verdicts): Verdict => {
  if (unready === 'Succeeded') return no('PodCompleted')
  if (unready === 'Failed') return no('PodFailed')
  return unready.length === 0 ? yes : no('ContainersNotReady', `containers with unready status: [${unready.join(' ')}]`)
}

/** The containers' readiness and the conditions that the pod's readiness gates name. */
const readiness = (pod: Pod, containers: Verdict): Verdict => {
  if (containers.status === 'False') return containers
  const complaints = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = pod.status?.conditions?.find(({ type }) => type === conditionType)
    const quoted = JSON.stringify(conditionType)
    if (!gate) return [`corresponding condition of pod readiness gate ${quoted} does not exist.`]
    return gate.status === 'True' ? [] : [`the status of pod readiness gate ${quoted} is not "True", but ${gate.status}`]
  })
  return complaints.length === 0 ? yes : no('ReadinessGatesNotReady', complaints.join(', '))
}

/** Whether the Ready condition is other than the containers' and the gates say: a gate has changed, or another wrote it. */
export const isReadyStale = (pod: Pod): boolean => {
  const conditions = pod.status?.conditions ?? []
  const containers = conditions.find(({ type }) => type === 'ContainersReady')?.status
  const ready = conditions.find(({ type }) => type === 'Ready')?.status
  const gates = (pod.spec.readinessGates ?? []).every(({ conditionType }) =>
    conditions.some(({ type, status }) => type === conditionType && status === 'True'),
  )
  return (ready === 'True') !== (containers === 'True' && gates)
}
