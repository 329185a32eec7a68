import type { Client } from '@grpc/grpc-js'
import type { Env } from '@skiff/machinery'
import { type CallOptions, type ImageInfo, isRuntimeError, type Runtime, RuntimeError, type RuntimeEvent } from '../runtime.ts'
import { containerdEvents } from './containerd-events.ts'
import { type Cri, cri, type FromCri } from './cri-table.ts'
import {
  conditionFrom,
  containerInfo,
  containerStatsFrom,
  containerSummary,
  eventFrom,
  imageInfo,
  imageUse,
  sandboxInfo,
  sandboxSummary,
} from './from-cri.ts'
import { openSocket, type ServiceCaller, serviceCaller } from './grpc-channel.ts'
import { loadTable } from './proto-table.ts'
import { authToCri, containerToCri, resourcesToCri, sandboxToCri } from './to-cri.ts'

export interface CriOptions {
  /** Absolute path of the runtime's unix socket. */
  readonly socketPath: string
  /** Full names of images that are shown as pinned, also by a runtime which cannot pin. */
  readonly pinnedImages?: readonly string[]
  /** Called with a sandbox's `cgroupParent` once the sandbox is removed: the runtime leaves that cgroup to whoever named it. */
  readonly onSandboxRemoved?: (cgroupParent: string) => Promise<void>
}

// The kubelet's limits: two minutes a request, four for a sandbox (its network may be slow), none for a pull.
const requestMs = 120_000
const sandboxMs = 240_000
const unlimited = 0

interface Connection {
  readonly env: Env
  readonly client: Client
  readonly runtime: ServiceCaller<Cri, 'RuntimeService'>
  readonly images: ServiceCaller<Cri, 'ImageService'>
}

/** The runtime behind a CRI v1 socket: containerd, CRI-O. Nothing is sent before the first call. */
export const openCriRuntime = (env: Env, { socketPath, pinnedImages = [], onSandboxRemoved }: CriOptions): Runtime => {
  const client = openSocket(socketPath)
  const definition = loadTable(cri)
  const connection: Connection = {
    env,
    client,
    runtime: serviceCaller(env, client, cri, 'RuntimeService', definition),
    images: serviceCaller(env, client, cri, 'ImageService', definition),
  }
  const sandboxes = sandboxCalls(connection, onSandboxRemoved)
  const containers = containerCalls(connection)
  return {
    ...nodeCalls(connection),
    ...sandboxes,
    ...containers,
    ...execCalls(connection),
    ...imageCalls(connection, new Set(pinnedImages)),
    ...statsCalls(connection),
    events: (signal) => eventsOf(connection, { ...sandboxes, ...containers }, signal),
    close: () => client.close(),
  }
}

/** Undefined instead of "not found". */
const ifFound = async <T>(reply: Promise<T>): Promise<T | undefined> => {
  try {
    return await reply
  } catch (error) {
    if (isRuntimeError(error, 'notFound')) return undefined
    throw error
  }
}

const nodeCalls = ({ runtime }: Connection): Pick<Runtime, 'version' | 'status' | 'setPodCidr'> => ({
  version: async (options) => {
    const reply = await runtime.call('Version', { version: '0.1.0' }, requestMs, options)
    return { name: reply.runtimeName, version: reply.runtimeVersion, apiVersion: reply.runtimeApiVersion }
  },
  status: async (options) => {
    const { status, runtimeHandlers } = await runtime.call('Status', {}, requestMs, options)
    const conditions = status?.conditions ?? []
    return {
      runtime: conditionFrom(conditions, 'RuntimeReady'),
      network: conditionFrom(conditions, 'NetworkReady'),
      handlers: runtimeHandlers.map(({ name }) => name),
    }
  },
  setPodCidr: async (podCidr) => {
    await runtime.call('UpdateRuntimeConfig', { runtimeConfig: { networkConfig: { podCidr } } }, requestMs)
  },
})

type SandboxCalls = Pick<Runtime, 'runPodSandbox' | 'stopPodSandbox' | 'removePodSandbox' | 'listPodSandboxes' | 'podSandboxStatus'>
const sandboxCalls = ({ runtime }: Connection, onRemoved: CriOptions['onSandboxRemoved']): SandboxCalls => ({
  runPodSandbox: async (config, options) => {
    const request = { config: sandboxToCri(config), runtimeHandler: config.runtimeHandler ?? '' }
    return (await runtime.call('RunPodSandbox', request, sandboxMs, options)).podSandboxId
  },
  stopPodSandbox: async (podSandboxId, options) => {
    await ifFound(runtime.call('StopPodSandbox', { podSandboxId }, requestMs, options))
  },
  removePodSandbox: async (podSandboxId, options) => {
    const verbose = onRemoved && (await ifFound(runtime.call('PodSandboxStatus', { podSandboxId, verbose: true }, requestMs, options)))
    await ifFound(runtime.call('RemovePodSandbox', { podSandboxId }, requestMs, options))
    const parent = verbose && cgroupParentIn(verbose.info)
    if (parent) await onRemoved?.(parent)
  },
  listPodSandboxes: async (filter = {}, options) => {
    const state = filter.ready === undefined ? undefined : ({ state: filter.ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY' } as const)
    const request = { filter: { id: filter.sandboxId, state, labelSelector: filter.labels } }
    return (await runtime.call('ListPodSandbox', request, requestMs, options)).items.map(sandboxSummary)
  },
  podSandboxStatus: async (podSandboxId, options) => {
    const reply = await ifFound(runtime.call('PodSandboxStatus', { podSandboxId }, requestMs, options))
    return reply?.status ? sandboxInfo(reply.status) : undefined
  },
})

// containerd puts the config that it was given into `info`; other runtimes need not.
const cgroupParentIn = (info: Readonly<Record<string, string>>): string | undefined => {
  const facts = JSON.parse(info.info ?? '{}') as { readonly config?: { readonly linux?: { readonly cgroup_parent?: string } } }
  return facts.config?.linux?.cgroup_parent
}

const criStates = {
  created: 'CONTAINER_CREATED',
  running: 'CONTAINER_RUNNING',
  exited: 'CONTAINER_EXITED',
  unknown: 'CONTAINER_UNKNOWN',
} as const

type ContainerCalls = Pick<
  Runtime,
  | 'createContainer'
  | 'startContainer'
  | 'stopContainer'
  | 'removeContainer'
  | 'listContainers'
  | 'containerStatus'
  | 'updateContainerResources'
  | 'reopenContainerLog'
>
const containerCalls = ({ runtime }: Connection): ContainerCalls => ({
  createContainer: async (podSandboxId, config, sandbox, options) => {
    const request = { podSandboxId, config: containerToCri(config, sandbox), sandboxConfig: sandboxToCri(sandbox) }
    return (await runtime.call('CreateContainer', request, requestMs, options)).containerId
  },
  startContainer: async (containerId, options) => {
    await runtime.call('StartContainer', { containerId }, requestMs, options)
  },
  stopContainer: async (containerId, timeoutSeconds, options) => {
    const limitMs = requestMs + timeoutSeconds * 1_000
    await ifFound(runtime.call('StopContainer', { containerId, timeout: timeoutSeconds }, limitMs, options))
  },
  removeContainer: async (containerId, options) => {
    await ifFound(runtime.call('RemoveContainer', { containerId }, requestMs, options))
  },
  listContainers: async (filter = {}, options) => {
    const state = filter.state && { state: criStates[filter.state] }
    const request = { filter: { id: filter.containerId, podSandboxId: filter.sandboxId, state, labelSelector: filter.labels } }
    return (await runtime.call('ListContainers', request, requestMs, options)).containers.map(containerSummary)
  },
  containerStatus: async (containerId, options) => {
    const reply = await ifFound(runtime.call('ContainerStatus', { containerId }, requestMs, options))
    return reply?.status ? containerInfo(reply.status) : undefined
  },
  updateContainerResources: async (containerId, resources, options) => {
    await runtime.call('UpdateContainerResources', { containerId, linux: resourcesToCri(resources) }, requestMs, options)
  },
  reopenContainerLog: async (containerId, options) => {
    await runtime.call('ReopenContainerLog', { containerId }, requestMs, options)
  },
})

const execCalls = ({ runtime }: Connection): Pick<Runtime, 'execSync' | 'exec' | 'attach' | 'portForward'> => ({
  execSync: async (containerId, command, timeoutSeconds, options) => {
    // With a limit of its own the runtime ends the process; ours comes later and only guards against a hanging runtime.
    const limitMs = timeoutSeconds > 0 ? requestMs + timeoutSeconds * 1_000 : unlimited
    const reply = await runtime.call('ExecSync', { containerId, cmd: command, timeout: timeoutSeconds }, limitMs, options)
    return { stdout: reply.stdout, stderr: reply.stderr, exitCode: reply.exitCode }
  },
  exec: async (containerId, command, streams) => (await runtime.call('Exec', { containerId, cmd: command, ...streams }, requestMs)).url,
  attach: async (containerId, streams) => (await runtime.call('Attach', { containerId, ...streams }, requestMs)).url,
  portForward: async (podSandboxId, ports) => (await runtime.call('PortForward', { podSandboxId, port: ports }, requestMs)).url,
})

type ImageCalls = Pick<Runtime, 'pullImage' | 'listImages' | 'imageStatus' | 'removeImage' | 'imageFsInfo'>
const imageCalls = ({ images }: Connection, pinned: ReadonlySet<string>): ImageCalls => {
  const read = (image: FromCri<'Image'>): ImageInfo => {
    const info = imageInfo(image)
    return info.tags.some((tag) => pinned.has(tag)) ? { ...info, pinned: true } : info
  }
  return {
    pullImage: async (image, auth, sandbox, options) => {
      const request = {
        image: { image },
        auth: auth && authToCri(auth),
        sandboxConfig: sandbox && sandboxToCri(sandbox),
      }
      return (await images.call('PullImage', request, unlimited, options)).imageRef
    },
    listImages: async (options) => (await images.call('ListImages', {}, requestMs, options)).images.map(read),
    imageStatus: async (image, options) => {
      const reply = await ifFound(images.call('ImageStatus', { image: { image } }, requestMs, options))
      return reply?.image ? read(reply.image) : undefined
    },
    removeImage: async (image, options) => {
      await ifFound(images.call('RemoveImage', { image: { image } }, requestMs, options))
    },
    imageFsInfo: async (options) => (await images.call('ImageFsInfo', {}, requestMs, options)).imageFilesystems.map(imageUse),
  }
}

const statsCalls = ({ runtime }: Connection): Pick<Runtime, 'containerStats' | 'listContainerStats'> => ({
  containerStats: async (containerId, options?: CallOptions) => {
    const reply = await ifFound(runtime.call('ContainerStats', { containerId }, requestMs, options))
    return reply?.stats ? containerStatsFrom(reply.stats) : undefined
  },
  listContainerStats: async (filter = {}, options) => {
    const request = { filter: { id: filter.containerId, podSandboxId: filter.sandboxId, labelSelector: filter.labels } }
    return (await runtime.call('ListContainerStats', request, requestMs, options)).stats.map(containerStatsFrom)
  },
})

async function* eventsOf(connection: Connection, calls: SandboxCalls & ContainerCalls, signal: AbortSignal): AsyncIterable<RuntimeEvent> {
  try {
    for await (const event of connection.runtime.stream('GetContainerEvents', {}, signal)) yield eventFrom(event)
  } catch (error) {
    if (!isRuntimeError(error, 'unimplemented')) throw error
    yield* containerdEvents(connection.env, connection.client, calls, signal)
  }
  // An orderly end is not distinguished from a loss: whoever reads begins again.
  if (!signal.aborted) throw new RuntimeError('unavailable', 'the event stream ended')
}
