import { type Runtime, RuntimeError, type SandboxInfo } from '../runtime.ts'
import { behaveSandbox } from './behaviour.ts'
import type { SimulatedOptions } from './options.ts'
import type { World } from './world.ts'

export const hasLabels = (labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>> = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value)

export const sandboxCalls = (world: World, options: Pick<SimulatedOptions, 'sandboxMs'>) =>
  ({
    runPodSandbox: async (config) => {
      const { sandboxMs = options.sandboxMs ?? 0, fail } = behaveSandbox(config)
      if (sandboxMs > 0) await world.env.sleep(sandboxMs)
      const refuse = (why: string) => new RuntimeError('unknown', `failed to setup network for sandbox: ${why}`)
      if (fail) throw refuse('simulated failure')
      const ip = config.security.namespaces.network === 'node' ? '' : world.addresses.take()
      if (ip === undefined) throw refuse('no IP addresses available in range set')
      const sandboxId = world.newId()
      const { podName, podNamespace, podUid, attempt, labels, annotations } = config
      const info: SandboxInfo = {
        ...{ podName, podNamespace, podUid, attempt, labels, annotations, sandboxId, ip },
        ready: true,
        createdAtNs: world.nowNs(),
        runtimeHandler: config.runtimeHandler ?? '',
        additionalIps: [],
        namespaces: config.security.namespaces,
      }
      world.sandboxes.set(sandboxId, { info, config })
      world.emit('started', sandboxId, sandboxId)
      return sandboxId
    },
    stopPodSandbox: async (id) => world.endSandbox(id),
    removePodSandbox: async (id) => {
      world.endSandbox(id)
      for (const [containerId, { sandboxId }] of [...world.containers]) if (sandboxId === id) world.removeContainer(containerId)
      if (!world.sandboxes.has(id)) return
      world.emit('deleted', id, id)
      world.sandboxes.delete(id)
    },
    listPodSandboxes: async (filter = {}) =>
      [...world.sandboxes.values()].flatMap(({ info }) =>
        (filter.sandboxId === undefined || filter.sandboxId === info.sandboxId) &&
        (filter.ready === undefined || filter.ready === info.ready) &&
        hasLabels(info.labels, filter.labels)
          ? [info]
          : [],
      ),
    podSandboxStatus: async (id) => world.sandboxes.get(id)?.info,
  }) satisfies Partial<Runtime>
