import type { Pod } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { PodMemory } from '../pods/memory.ts'
import type { SeenPod } from '../pods/seen.ts'
import type { KillStep, StartStep, Step } from '../pods/steps.ts'
import type { MountedVolumes, Volumes } from './seams.ts'
import { type Home, type StartTools, startContainer } from './start-container.ts'
import { StartFailed } from './start-failed.ts'

export interface ApplyTools extends StartTools {
  readonly env: Env
  readonly volumes: Volumes
  /** A container was removed: its log goes too. */
  forgetLog(pod: Pod, name: string, restartCount: number): Promise<void>
}

/** What applying a plan may do to its pod's worker. */
export interface Applying {
  readonly pod: Pod
  readonly seen: SeenPod
  /** Aborted when the pod's end was decided meanwhile: nothing more starts, waits end. */
  readonly signal: AbortSignal
  remember(change: (memory: PodMemory) => PodMemory): void
  /** Plan again then, if nothing happens before. */
  wakeAt(atMs: number): void
}

/** The usual delay before something that failed is tried again. */
const retryMs = 10_000

/** Does the steps of a plan in order; neighbouring kills together. Throws when the rest makes no sense any more. */
export const applyPlan = async (tools: ApplyTools, plan: readonly Step[], applying: Applying): Promise<void> => {
  const over = new AbortController()
  try {
    await applySteps(tools, plan, applying, AbortSignal.any([applying.signal, over.signal]))
  } finally {
    // Volumes that are still being waited for are asked for again by the next plan.
    over.abort()
  }
}

const applySteps = async (tools: ApplyTools, plan: readonly Step[], applying: Applying, mounting: AbortSignal): Promise<void> => {
  const { pod, signal } = applying
  let home: Home | undefined
  let volumes: Promise<MountedVolumes> | undefined
  const mounted = () => {
    volumes ??= tools.volumes.mount(pod, mounting)
    // Whoever awaits it hears of a failure; before that it must not count as unhandled.
    volumes.catch(() => {})
    return volumes
  }
  for (let index = 0; index < plan.length; index += 1) {
    const step = plan[index] as Step
    // Ends go on when the pod's end was decided meanwhile; new things do not.
    if (signal.aborted && (step.do === 'start' || step.do === 'createSandbox')) return
    switch (step.do) {
      case 'kill': {
        const kills = plan
          .slice(index)
          .filter((one, at, rest): one is KillStep => rest.slice(0, at + 1).every((other) => other.do === 'kill'))
        index += kills.length - 1
        await killTogether(tools, kills, applying)
        if (signal.aborted) return
        break
      }
      case 'createSandbox':
        if (step.replaces) tools.events.pod(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
        void mounted()
        tools.images.prepare(pod)
        home = await createSandbox(tools, pod, step.attempt)
        if (!home) return holdSandbox(tools, applying)
        applying.remember(({ sandboxRetry: _, ...memory }) => memory)
        break
      case 'start':
        home ??= await currentHome(tools, applying)
        if (!(await start(tools, step, home, mounted(), applying))) return
        break
      case 'hold':
        hold(tools, step, applying)
        break
      case 'fail':
        tools.events.pod(pod, 'Normal', step.reason, step.message)
        applying.remember((memory) => ({ ...memory, ending: { reason: step.reason, message: step.message } }))
        break
      case 'stopSandbox':
        await tools.runtime.stopPodSandbox(step.sandboxId)
        break
      case 'removeSandbox':
        await tools.runtime.removePodSandbox(step.sandboxId)
        break
      case 'remove':
        await tools.runtime.removeContainer(step.container.id)
        await tools.forgetLog(pod, step.container.name, step.container.restartCount)
        break
      case 'wake':
        applying.wakeAt(step.atMs)
        break
      case 'finish':
      // The worker's own matter.
    }
  }
}

/** All kills at once; those with a turn wait for those before. Returns early when the pod's end was decided meanwhile. */
const killTogether = async (tools: ApplyTools, kills: readonly KillStep[], { pod, signal }: Applying): Promise<void> => {
  const turns = new Map<number, Promise<unknown>[]>()
  const done: Promise<void>[] = []
  for (const kill of [...kills].sort((a, b) => a.turn - b.turn)) {
    const before = [...turns].flatMap(([turn, promises]) => (turn < kill.turn ? promises : []))
    const killed = tools.killer.kill(pod, kill, Promise.allSettled(before))
    turns.set(kill.turn, [...(turns.get(kill.turn) ?? []), killed])
    done.push(killed)
  }
  const interrupted = Promise.withResolvers<void>()
  const interrupt = () => interrupted.resolve()
  signal.addEventListener('abort', interrupt, { once: true })
  try {
    if (signal.aborted) return
    await Promise.race([Promise.all(done), interrupted.promise])
  } catch (error) {
    tools.events.pod(pod, 'Warning', 'FailedKillPod', `error killing pod: ${String(error instanceof Error ? error.message : error)}`)
    throw error
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}

/** Undefined when it failed, which users have been told. */
const createSandbox = async (tools: ApplyTools, pod: Pod, attempt: number): Promise<Home | undefined> => {
  try {
    const config = await tools.configure.sandbox(pod, attempt)
    const sandboxId = await tools.runtime.runPodSandbox(config)
    if (pod.spec.hostNetwork) return { sandboxId, config, ips: [] }
    const info = await tools.runtime.podSandboxStatus(sandboxId)
    return { sandboxId, config, ips: info && info.ip !== '' ? [info.ip, ...info.additionalIps] : [] }
  } catch (error) {
    const message = `Failed to create pod sandbox: ${String(error instanceof Error ? error.message : error)}`
    tools.events.pod(pod, 'Warning', 'FailedCreatePodSandBox', message)
    return undefined
  }
}

/** A second at first, the usual delay at last. */
const holdSandbox = ({ env }: ApplyTools, { remember }: Applying): void =>
  remember((memory) => {
    const delayMs = Math.min((memory.sandboxRetry?.delayMs ?? 500) * 2, retryMs)
    return { ...memory, sandboxRetry: { atMs: env.now() + delayMs, delayMs } }
  })

const currentHome = async (tools: ApplyTools, { pod, seen }: Applying): Promise<Home> => {
  const sandbox = seen.sandboxes[0]
  if (!sandbox) throw new Error('a container is to start, but its pod has no sandbox')
  return { sandboxId: sandbox.id, config: await tools.configure.sandbox(pod, sandbox.attempt), ips: sandbox.ips }
}

/** Answers whether later steps still make sense: what follows an init container waits for it. */
const start = async (
  tools: ApplyTools,
  step: StartStep,
  home: Home,
  volumes: Promise<MountedVolumes>,
  applying: Applying,
): Promise<boolean> => {
  const { pod, seen, signal, remember } = applying
  const { backOff } = step
  if (backOff) remember((memory) => ({ ...memory, restarts: new Map([...memory.restarts, [step.name, backOff]]) }))
  try {
    await startContainer(tools, { pod, step, home, volumes, seen, signal })
    remember((memory) => ({ ...memory, failures: new Map([...memory.failures].filter(([name]) => name !== step.name)) }))
    return true
  } catch (error) {
    if (signal.aborted) return false
    if (!(error instanceof StartFailed)) throw error
    const failure = { reason: error.reason, message: error.message, retryAtMs: error.retryAtMs ?? tools.env.now() + retryMs }
    remember((memory) => ({ ...memory, failures: new Map([...memory.failures, [step.name, failure]]) }))
    return step.kind !== 'init'
  }
}

const hold = (tools: ApplyTools, step: Extract<Step, { do: 'hold' }>, { pod, remember }: Applying): void => {
  const message = `Back-off restarting failed container ${step.name} in pod ${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
  tools.events.container(pod, step.name, 'Warning', 'BackOff', message)
  const failure = { reason: 'CrashLoopBackOff', message: step.message }
  remember((memory) => ({ ...memory, failures: new Map([...memory.failures, [step.name, failure]]) }))
}
