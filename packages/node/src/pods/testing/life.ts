import type { ContainerStatus, Pod, PodSpec } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { freshMemory, type PodMemory, type ProbeResults } from '../memory.ts'
import { containerHash } from '../naming.ts'
import { planPod } from '../plan-pod.ts'
import { newest, nothingSeen, type SeenContainer, type SeenPod } from '../seen.ts'
import { statusOf } from '../status.ts'
import type { Step } from '../steps.ts'

const bornMs = Date.UTC(2025, 0, 1)

/** A pod named `p` in namespace `default`; containers need no image. */
export const podOf = (spec: Partial<PodSpec>, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'default',
    uid: 'u1',
    resourceVersion: '1',
    creationTimestamp: rfc3339(bornMs),
    ...metadata,
  },
  spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 30, restartPolicy: 'Always', ...spec },
})

/** One pod's life on a runtime that does at once, and without fail, what it is told: for stories and for random walks. */
export interface Life {
  pod: Pod
  seen: SeenPod
  memory: PodMemory
  nowMs: number
  finished: boolean
  /** Every step that was applied, as text. */
  readonly steps: string[]
  /** Plans and applies until there is nothing to do; answers the steps. */
  sync(): readonly string[]
  pass(ms: number): void
  exit(name: string, exitCode: number, reason?: string): void
  probe(name: string, results: ProbeResults): void
  /** The object is marked deleted. */
  mark(graceSeconds?: number): void
  /** The sandbox dies with all that is in it. */
  crash(): void
  /** The agent restarts: what it remembered is gone, the last status is the object's. */
  forget(): void
  /** `Running ready=1/1 c=running#0`, with reasons. */
  summary(): string
}

export const live = (initial: Pod): Life => {
  let ids = 0
  const update = (id: string, change: Partial<SeenContainer>) => {
    life.seen = { ...life.seen, containers: life.seen.containers.map((one) => (one.id === id ? { ...one, ...change } : one)) }
  }
  const retell = () => {
    life.memory = {
      ...life.memory,
      status: statusOf(life.pod, life.seen, life.memory, { hostIps: ['10.0.0.1'], runtimeName: 'r' }, life.nowMs),
    }
  }
  const apply = (step: Step) => {
    const { seen, memory } = life
    switch (step.do) {
      case 'createSandbox': {
        ids += 1
        const sandbox = { id: `s${ids}`, attempt: step.attempt, ready: true, createdMs: life.nowMs, ips: ['10.1.0.9'] }
        life.seen = { ...seen, sandboxes: [{ ...sandbox, network: life.pod.spec.hostNetwork ? 'node' : 'pod' }, ...seen.sandboxes] }
        return
      }
      case 'stopSandbox':
        life.seen = { ...seen, sandboxes: seen.sandboxes.map((one) => (one.id === step.sandboxId ? { ...one, ready: false } : one)) }
        return
      case 'removeSandbox':
        life.seen = { ...seen, sandboxes: seen.sandboxes.filter((one) => one.id !== step.sandboxId) }
        return
      case 'kill':
        update(step.container.id, { state: 'exited', exitCode: 137, reason: 'Error', finishedMs: life.nowMs })
        return
      case 'remove':
        life.seen = { ...seen, containers: seen.containers.filter((one) => one.id !== step.container.id) }
        return
      case 'start':
        start(step.name, step.restartCount)
        life.memory = {
          ...memory,
          failures: new Map([...memory.failures].filter(([name]) => name !== step.name)),
          restarts: step.backOff ? new Map([...memory.restarts, [step.name, step.backOff]]) : memory.restarts,
        }
        return
      case 'hold':
        life.memory = {
          ...memory,
          failures: new Map([...memory.failures, [step.name, { reason: 'CrashLoopBackOff', message: step.message }]]),
        }
        return
      case 'fail':
        life.memory = { ...memory, ending: { reason: step.reason, message: step.message } }
        return
      case 'finish':
        life.finished = true
        return
      case 'wake':
    }
  }
  const start = (name: string, restartCount: number) => {
    ids += 1
    const all = [...(life.pod.spec.initContainers ?? []), ...life.pod.spec.containers, ...(life.pod.spec.ephemeralContainers ?? [])]
    const spec = all.find((container) => container.name === name)
    const made: SeenContainer = {
      id: `c${ids}`,
      sandboxId: life.seen.sandboxes[0]?.id ?? '',
      name,
      restartCount,
      hash: containerHash(spec ?? { name }),
      state: 'running',
      createdMs: life.nowMs,
      startedMs: life.nowMs,
      finishedMs: 0,
      exitCode: 0,
      reason: '',
      message: '',
      image: 'i',
      imageId: 'sha256:1',
    }
    life.seen = { ...life.seen, containers: [made, ...life.seen.containers] }
  }
  const acts = (step: Step) => step.do !== 'wake' && step.do !== 'hold'

  const life: Life = {
    pod: initial,
    seen: nothingSeen,
    memory: freshMemory,
    nowMs: bornMs,
    finished: false,
    steps: [],
    sync: () => {
      const from = life.steps.length
      for (let round = 0; round < 20 && !life.finished; round += 1) {
        const plan = planPod(life.pod, life.seen, life.memory, life.nowMs)
        for (const step of plan) {
          life.steps.push(stepText(step, life.nowMs))
          apply(step)
        }
        retell()
        if (!plan.some(acts) && !isNewlyOver(life)) break
      }
      return life.steps.slice(from)
    },
    pass: (ms) => {
      life.nowMs += ms
    },
    exit: (name, exitCode, reason = exitCode === 0 ? 'Completed' : 'Error') => {
      const target = newest(life.seen, name)
      if (target) update(target.id, { state: 'exited', exitCode, reason, finishedMs: life.nowMs })
      retell()
    },
    probe: (name, results) => {
      const id = newest(life.seen, name)?.id ?? ''
      life.memory = { ...life.memory, probes: new Map([...life.memory.probes, [id, { ...life.memory.probes.get(id), ...results }]]) }
      retell()
    },
    mark: (graceSeconds = 30) => {
      const deletionTimestamp = rfc3339(life.nowMs + graceSeconds * 1000)
      life.pod = { ...life.pod, metadata: { ...life.pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } }
    },
    crash: () => {
      life.seen = {
        sandboxes: life.seen.sandboxes.map((one) => ({ ...one, ready: false })),
        containers: life.seen.containers.map((one) =>
          one.state === 'running' ? { ...one, state: 'exited', exitCode: 255, reason: 'Unknown', finishedMs: life.nowMs } : one,
        ),
      }
    },
    forget: () => {
      life.pod = { ...life.pod, ...(life.memory.status ? { status: life.memory.status } : {}) }
      life.memory = freshMemory
    },
    summary: () => summaryOf(life),
  }
  return life
}

const isNewlyOver = (life: Life): boolean => ['Succeeded', 'Failed'].includes(life.memory.status?.phase ?? '') && !life.finished

export const stepText = (step: Step, nowMs: number): string => {
  switch (step.do) {
    case 'createSandbox':
      return `sandbox #${step.attempt}${step.replaces ? ' (replaces)' : ''}`
    case 'stopSandbox':
    case 'removeSandbox':
      return `${step.do} ${step.sandboxId}`
    case 'kill':
      return `kill ${step.container.name} ${step.graceSeconds}s${step.turn > 0 ? ` turn ${step.turn}` : ''}: ${step.message}`
    case 'start':
      return `start ${step.kind} ${step.name} #${step.restartCount}`
    case 'hold':
      return `hold ${step.name} ${(step.untilMs - nowMs) / 1000}s`
    case 'remove':
      return `remove ${step.container.name} #${step.container.restartCount}`
    case 'fail':
      return `fail ${step.reason}`
    case 'wake':
      return `wake in ${(step.atMs - nowMs) / 1000}s`
    case 'finish':
      return 'finish'
  }
}

const stateText = ({ name, state, restartCount, ready }: ContainerStatus): string => {
  const told = state?.running
    ? 'running'
    : state?.terminated
      ? `${state.terminated.reason}(${state.terminated.exitCode})`
      : (state?.waiting?.reason ?? '?')
  return `${name}=${told}#${restartCount}${ready ? '+' : ''}`
}

/** One line a status: phase and reason, containers (`+`: ready), and the conditions that are true. */
const summaryOf = (life: Life): string => {
  const status = statusOf(life.pod, life.seen, life.memory, { hostIps: ['10.0.0.1'], runtimeName: 'r' }, life.nowMs)
  const containers = [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ]
  const yes = (status.conditions ?? []).filter((condition) => condition.status === 'True').map(({ type }) => short[type] ?? type)
  return `${status.phase}${status.reason ? `/${status.reason}` : ''} ${containers.map(stateText).join(' ')} [${yes.join(' ')}]`
}

const short: Record<string, string> = {
  PodReadyToStartContainers: 'sandbox',
  Initialized: 'init',
  Ready: 'ready',
  ContainersReady: 'containers',
  PodScheduled: 'scheduled',
}
