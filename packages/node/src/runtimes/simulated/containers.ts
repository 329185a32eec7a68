import { type ContainerConfig, type ContainerInfo, type Runtime, RuntimeError, type SandboxConfig } from '../runtime.ts'
import { behave } from './behaviour.ts'
import type { ImageStore } from './images.ts'
import type { SimulatedOptions } from './options.ts'
import { hasLabels } from './sandboxes.ts'
import { simulatedStats } from './stats.ts'
import { execute } from './streaming.ts'
import type { World } from './world.ts'

export const containerCalls = (world: World, images: ImageStore, options: SimulatedOptions) => {
  const { env } = world
  return {
    createContainer: async (sandboxId, config, sandbox) => {
      if (!world.sandboxes.get(sandboxId)?.info.ready) {
        throw new RuntimeError('unknown', `failed to find sandbox id ${JSON.stringify(sandboxId)}: not found`)
      }
      const behaviour = options.behave?.(config, sandbox) ?? behave(config, sandbox)
      if (behaviour.fail === 'create') throw new RuntimeError('unknown', 'failed to create containerd container: simulated failure')
      const containerId = world.newId()
      const info = infoOf(world, images, containerId, config, sandbox)
      world.containers.set(containerId, { info, sandboxId, behaviour, log: [], timers: [], ended: Promise.withResolvers() })
      world.emit('created', containerId, sandboxId)
      return containerId
    },
    startContainer: async (id) => {
      const { behaviour } = world.container(id)
      const startMs = behaviour.startMs ?? options.startMs ?? 0
      if (startMs > 0) await env.sleep(startMs)
      if (behaviour.fail !== 'start') return world.start(id)
      const failure = { state: 'exited', exitCode: 128, reason: 'StartError', message: 'simulated failure' } as const
      world.change(id, { ...failure, finishedAtNs: world.nowNs() })
      throw new RuntimeError('unknown', 'failed to start containerd task: simulated failure')
    },
    stopContainer: async (id, timeoutSeconds) => {
      const held = world.containers.get(id)
      if (held?.info.state !== 'running') return
      const { stopMs = 0, exitCode = 0 } = held.behaviour
      const killed = stopMs > timeoutSeconds * 1000
      held.timers.push(env.after(Math.min(stopMs, timeoutSeconds * 1000), () => world.end(id, killed ? 137 : exitCode)))
      await held.ended.promise
    },
    removeContainer: async (id) => world.removeContainer(id),
    listContainers: async (filter = {}) =>
      [...world.containers.values()].flatMap(({ info, sandboxId }) =>
        (filter.containerId === undefined || filter.containerId === info.containerId) &&
        (filter.sandboxId === undefined || filter.sandboxId === sandboxId) &&
        (filter.state === undefined || filter.state === info.state) &&
        hasLabels(info.labels, filter.labels)
          ? [{ ...info, sandboxId }]
          : [],
      ),
    containerStatus: async (id) => world.containers.get(id)?.info,
    updateContainerResources: async (id, resources) => {
      world.change(id, { resources: { ...world.container(id).info.resources, ...resources } })
    },
    reopenContainerLog: async () => {},
    execSync: async (id, command) => {
      const { info } = world.container(id)
      if (info.state !== 'running') throw new RuntimeError('unknown', `container ${id} is not running`)
      return execute(env, info, command, options.exec)
    },
    containerStats: async (id) => {
      const held = world.containers.get(id)
      return held && simulatedStats(held.info, env.now())
    },
    listContainerStats: async (filter = {}) =>
      [...world.containers.values()].flatMap(({ info, sandboxId }) =>
        info.state === 'running' && (filter.sandboxId ?? sandboxId) === sandboxId && hasLabels(info.labels, filter.labels)
          ? [simulatedStats(info, env.now())]
          : [],
      ),
  } satisfies Partial<Runtime>
}

const infoOf = (world: World, images: ImageStore, containerId: string, config: ContainerConfig, sandbox: SandboxConfig): ContainerInfo => {
  const image = images.find(config.imageRef)
  const { name, attempt, labels, annotations, mounts, resources } = config
  return {
    ...{ containerId, name, attempt, labels, annotations, mounts },
    state: 'created',
    createdAtNs: world.nowNs(),
    startedAtNs: 0n,
    finishedAtNs: 0n,
    exitCode: 0,
    reason: '',
    message: '',
    image: image?.tags[0] ?? config.image,
    imageRef: image?.digests[0] ?? config.imageRef,
    logPath: `${sandbox.logDirectory}/${config.logPath}`,
    ...(resources ? { resources } : {}),
  }
}
