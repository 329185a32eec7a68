import type { Container, Pod } from '@skiff/api'
import { specContainers } from '../pods/plan-kill.ts'
import type { SeenPod } from '../pods/seen.ts'
import { newest } from '../pods/seen.ts'
import type { StartStep } from '../pods/steps.ts'
import { isRuntimeError, type Runtime, type SandboxConfig } from '../runtimes/runtime.ts'
import type { RunHook } from './hooks.ts'
import type { Killer } from './killer.ts'
import type { PodEvents } from './pod-events.ts'
import type { Configure, Images, MountedVolumes } from './seams.ts'
import { StartFailed } from './start-failed.ts'

export interface StartTools {
  readonly runtime: Runtime
  readonly images: Images
  readonly configure: Configure
  readonly runHook: RunHook
  readonly killer: Killer
  readonly events: PodEvents
}

/** The sandbox that a container starts in. */
export interface Home {
  readonly sandboxId: string
  readonly config: SandboxConfig
  readonly ips: readonly string[]
}

export interface StartRequest {
  readonly pod: Pod
  readonly step: StartStep
  readonly home: Home
  readonly volumes: Promise<MountedVolumes>
  readonly seen: SeenPod
  readonly signal: AbortSignal
}

const text = (error: unknown): string => {
  if (isRuntimeError(error)) return error.description
  return error instanceof Error ? error.message : String(error)
}

/** Image, configuration, create, start, postStart hook. Throws StartFailed, after telling users why. */
export const startContainer = async (tools: StartTools, request: StartRequest): Promise<void> => {
  const { pod, step, home, signal } = request
  const { runtime, events } = tools
  const container = specContainers(pod).find((one) => one.name === step.name)
  if (!container) return
  const fail = (reason: string, error: unknown): never => {
    if (!signal.aborted) events.container(pod, step.name, 'Warning', 'Failed', `Error: ${text(error)}`)
    throw new StartFailed(reason, text(error))
  }
  const volumes = await request.volumes
  const image = await tools.images.ensure(pod, container, home.config, signal)
  signal.throwIfAborted()
  const config = await configure(tools, request, container, image, volumes).catch((error) => fail('CreateContainerConfigError', error))
  const id = await runtime.createContainer(home.sandboxId, config, home.config).catch((error) => fail('CreateContainerError', error))
  events.container(pod, step.name, 'Normal', 'Created', `Created container: ${step.name}`)
  await runtime.startContainer(id).catch((error) => fail('RunContainerError', error))
  events.container(pod, step.name, 'Normal', 'Started', `Started container ${step.name}`)
  if (container.lifecycle?.postStart) await runPostStart(tools, request, container, id)
}

const configure = (
  tools: StartTools,
  { pod, step, home, seen }: StartRequest,
  container: Container,
  image: Awaited<ReturnType<Images['ensure']>>,
  volumes: MountedVolumes,
) => {
  const target = pod.spec.ephemeralContainers?.find(({ name }) => name === step.name)?.targetContainerName
  const targetId = target === undefined ? undefined : newest(seen, target)?.id
  if (target !== undefined && targetId === undefined) return Promise.reject(new Error(`unable to find target container ${target}`))
  return tools.configure.container({
    pod,
    container,
    kind: step.kind,
    restartCount: step.restartCount,
    image,
    ips: home.ips,
    volumes,
    ...(targetId !== undefined ? { targetContainerId: targetId } : {}),
  })
}

/** A container whose postStart hook fails is killed. */
const runPostStart = async (tools: StartTools, request: StartRequest, container: Container, id: string): Promise<void> => {
  const { pod, step, home, signal } = request
  const hook = container.lifecycle?.postStart
  if (!hook) return
  try {
    await tools.runHook({ pod, containerName: step.name, containerId: id, hook, signal, ...(home.ips[0] ? { podIp: home.ips[0] } : {}) })
  } catch (error) {
    if (signal.aborted) return
    tools.events.container(pod, step.name, 'Warning', 'FailedPostStartHook', 'PostStartHook failed')
    const graceSeconds = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 2
    const seen = { id, name: step.name, state: 'running' as const }
    const killed = { ...blank, ...seen, sandboxId: home.sandboxId, restartCount: step.restartCount }
    await tools.killer.kill(
      pod,
      { do: 'kill', container: killed, cause: 'changed', message: 'FailedPostStartHook', graceSeconds, turn: 0 },
      Promise.resolve(),
    )
    throw new StartFailed('PostStartHookError', text(error))
  }
}

const blank = {
  hash: '',
  createdMs: 0,
  startedMs: 0,
  finishedMs: 0,
  exitCode: 0,
  reason: '',
  message: '',
  image: '',
  imageId: '',
} as const
