import type { Pod, PodStatus } from '@skiff/api'
import { pod as pods } from '@skiff/api'
import type { Client } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { isRefusal } from '@skiff/machinery'
import { freshMemory, type PodMemory, type ProbeResults } from '../pods/memory.ts'
import { planPod } from '../pods/plan-pod.ts'
import { isAlive, type SeenPod } from '../pods/seen.ts'
import { type NodeFacts, statusOf } from '../pods/status.ts'
import type { Step } from '../pods/steps.ts'
import { type ApplyTools, applyPlan } from './apply.ts'
import { createObserver, type ReadLastWords } from './observe.ts'
import { createStatusWriter } from './status-writer.ts'

/** Watches the probes of one pod's containers, as they come and go. */
export interface PodProbes {
  follow(pod: Pod, seen: SeenPod, memory: PodMemory): void
  stop(): void
}

export interface WorkerTools extends ApplyTools {
  readonly client: Client
  readonly env: Env
  readonly node: () => NodeFacts
  readonly readLastWords: ReadLastWords
  /** `report` is called whenever a standing result changes. */
  startProbes(report: (containerId: string, results: ProbeResults) => void): PodProbes
  /** Directories, logs and cgroups of a pod that is over and gone. */
  forgetPod(pod: Pod): Promise<void>
}

/** Keeps one pod as its object wants it. There is one worker a pod, and it does one thing at a time. */
export interface PodWorker {
  readonly pod: Pod
  readonly seen: SeenPod
  /** Looking or acting just now. */
  readonly isBusy: boolean
  /** The last status it computed; what the server has may be older. */
  readonly status: PodStatus | undefined
  /** The object changed. */
  update(pod: Pod): void
  /** The object is gone. */
  vanish(): void
  /** Something may have changed in the runtime. */
  nudge(): void
  /** What a failed start waited for may be there now. */
  retry(): void
  /** The node ends the pod. */
  end(reason: string, message: string, graceSeconds?: number): void
  /** Ends the worker, not the pod: its containers run on. */
  stop(): Promise<void>
}

export interface WorkerListener {
  /** Nothing of the pod is left. */
  onOver(): void
  /** Something of it begins, or has just begun, in the runtime. */
  onStart(): void
}

const longestRetryMs = 10_000

/**
 * Starts the worker of a pod. `isFresh`: the pod has just been bound, so the runtime cannot hold anything of it yet, and the first
 * look is spared.
 */
export const startWorker = (tools: WorkerTools, first: Pod, isFresh: boolean, { onOver, onStart }: WorkerListener): PodWorker => {
  const { env, runtime } = tools
  const stopping = new AbortController()
  const observer = createObserver(runtime, first.metadata.uid, tools.readLastWords)
  const writer = createStatusWriter(tools.client, env, first, stopping.signal)
  let pod = first
  let memory: PodMemory = { ...freshMemory, probes: knownProbes(first) }
  /** Bumped by every change; a plan is made again until it has seen the last one. */
  let changes = 1
  let wake = Promise.withResolvers<void>()
  let interrupt = new AbortController()
  /** Everything on this machine that the pod no longer needs has been freed. */
  let freed = false
  let over = false
  let busy = false
  /** Contents of volumes are kept up to date also for a pod that ran before this agent. */
  let adopted = false
  let unseen = isFresh

  const change = () => {
    changes += 1
    wake.resolve()
  }
  const remember = (update: (memory: PodMemory) => PodMemory) => {
    memory = update(memory)
  }
  const probes = tools.startProbes((containerId, results) => {
    remember((old) => ({ ...old, probes: new Map([...old.probes, [containerId, results]]) }))
    change()
  })

  /** Looks, and tells users what is there. */
  const look = async (): Promise<SeenPod> => {
    const seen = unseen ? observer.last : await observer.look()
    unseen = false
    memory = { ...memory, probes: new Map([...memory.probes].filter(([id]) => seen.containers.some((one) => one.id === id))) }
    tell(seen)
    return seen
  }
  const tell = (seen: SeenPod) => {
    const status = statusOf(pod, seen, memory, tools.node(), env.now())
    memory = { ...memory, status }
    probes.follow(pod, seen, memory)
    if (!memory.gone) writer.set(status)
  }

  /** Frees what the pod had here, and lets the object go when it is marked. */
  const finish = async (): Promise<void> => {
    probes.stop()
    if (!freed) await tools.volumes.release(pod.metadata.uid)
    freed = true
    if (!memory.gone && pod.metadata.deletionTimestamp === undefined) return
    if (!memory.gone) {
      await writer.settled()
      await letGo()
    }
    for (const sandbox of observer.last.sandboxes) await runtime.removePodSandbox(sandbox.id)
    await tools.forgetPod(pod)
    over = true
  }
  const letGo = async (): Promise<void> => {
    const { name, namespace, uid } = pod.metadata
    const options = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } }
    try {
      await tools.client.remove(pods, { ...(namespace ? { namespace } : {}), name }, options)
    } catch (error) {
      if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error
    }
  }

  /** One round: look, plan, apply. Answers when to look again, if nothing happens before. */
  const round = async (): Promise<number | undefined> => {
    const seen = await look()
    if (!adopted && seen.containers.some(isAlive)) tools.volumes.mount(pod, stopping.signal).catch(() => {})
    adopted = true
    const plan = planPod(pod, seen, memory, env.now())
    if (plan.some((step) => step.do === 'finish')) {
      if (!freed || memory.gone || pod.metadata.deletionTimestamp !== undefined) await finish()
      return undefined
    }
    let wakeMs: number | undefined
    interrupt = new AbortController()
    const applying = { pod, seen, signal: AbortSignal.any([interrupt.signal, stopping.signal]), remember }
    const wakeAt = (atMs: number) => {
      wakeMs = Math.min(atMs, wakeMs ?? atMs)
    }
    try {
      await applyPlan(tools, plan, { ...applying, wakeAt })
    } finally {
      if (plan.some(begins)) onStart()
    }
    if (plan.some(acts)) changes += 1
    else if (plan.some((step) => step.do === 'hold')) tell(seen)
    return wakeMs
  }

  const run = async (): Promise<void> => {
    let failures = 0
    while (!stopping.signal.aborted && !over) {
      const seenChanges = changes
      let wakeMs: number | undefined
      busy = true
      try {
        wakeMs = await round()
        failures = 0
      } catch (error) {
        if (stopping.signal.aborted) break
        env.log.warn('pod not as it should be; trying again', {
          pod: `${pod.metadata.namespace}/${pod.metadata.name}`,
          error: String(error),
        })
        failures += 1
        wakeMs = env.now() + Math.min(250 * 2 ** failures, longestRetryMs)
      }
      busy = false
      if (over || changes !== seenChanges) continue
      await pause(wakeMs)
    }
    probes.stop()
    if (over) onOver()
  }
  const pause = async (wakeMs: number | undefined): Promise<void> => {
    wake = Promise.withResolvers<void>()
    const cancel = wakeMs === undefined ? () => {} : env.after(Math.max(0, wakeMs - env.now()), wake.resolve)
    await wake.promise
    cancel()
  }
  // Not before the caller has the worker: a pod may be refused or gone at once.
  const running = Promise.resolve().then(run)

  return {
    get pod() {
      return pod
    },
    get seen() {
      return observer.last
    },
    get isBusy() {
      return busy
    },
    get status() {
      return memory.status
    },
    update: (next) => {
      const before = pod
      pod = next
      writer.saw(next)
      if (endsSooner(before, next)) interrupt.abort()
      if (matters(before, next)) {
        tools.volumes.update(next)
        change()
      }
    },
    vanish: () => {
      remember((old) => ({ ...old, gone: true }))
      interrupt.abort()
      change()
    },
    nudge: change,
    retry: () => {
      if (memory.failures.size === 0) return
      remember((old) => ({ ...old, failures: new Map([...old.failures].map(([name, { retryAtMs: _, ...rest }]) => [name, rest])) }))
      change()
    },
    end: (reason, message, graceSeconds) => {
      remember((old) => ({ ...old, ending: { reason, message, ...(graceSeconds !== undefined ? { graceSeconds } : {}) } }))
      interrupt.abort()
      change()
    },
    stop: async () => {
      stopping.abort()
      wake.resolve()
      await running
    },
  }
}

/** Containers that were ready before the agent restarted stay so until a probe says otherwise. */
const knownProbes = ({ status }: Pod): ReadonlyMap<string, ProbeResults> =>
  new Map(
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(({ containerID, ready, started }) => {
      const results: ProbeResults = { ...(started ? { startup: 'success' } : {}), ...(ready ? { readiness: 'success' } : {}) }
      return containerID && started ? [[containerID.replace(/^.*:\/\//, ''), results] as const] : []
    }),
  )

const acts = (step: Step): boolean => step.do !== 'wake' && step.do !== 'hold'

const begins = (step: Step): boolean => step.do === 'start' || step.do === 'createSandbox'

const endsSooner = (before: Pod, next: Pod): boolean => {
  if (next.metadata.deletionTimestamp === undefined) return false
  const was = before.metadata.deletionTimestamp === undefined ? undefined : before.metadata.deletionGracePeriodSeconds
  return was === undefined || (next.metadata.deletionGracePeriodSeconds ?? was) < was
}

/** Its own status, written by this very worker, is no news; phases and conditions that others wrote are. */
const matters = (before: Pod, next: Pod): boolean =>
  before.metadata.generation !== next.metadata.generation ||
  before.metadata.deletionTimestamp !== next.metadata.deletionTimestamp ||
  before.metadata.deletionGracePeriodSeconds !== next.metadata.deletionGracePeriodSeconds ||
  JSON.stringify([before.metadata.labels, before.metadata.annotations, before.spec]) !==
    JSON.stringify([next.metadata.labels, next.metadata.annotations, next.spec]) ||
  foreign(before) !== foreign(next)

const foreign = ({ status }: Pod): string => {
  const own = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
  const ended = status?.phase === 'Failed' || status?.phase === 'Succeeded' ? status.phase : ''
  return JSON.stringify([ended, (status?.conditions ?? []).filter(({ type }) => !own.includes(type))])
}
