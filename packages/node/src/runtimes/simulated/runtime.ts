import type { Runtime } from '../runtime.ts'
import { createAddresses } from './addresses.ts'
import { prefix } from './behaviour.ts'
import { containerCalls } from './containers.ts'
import { createImageStore, type ImageStore } from './images.ts'
import type { SimulatedOptions } from './options.ts'
import { sandboxCalls } from './sandboxes.ts'
import { streamingCalls } from './streaming.ts'
import { createWorld, type World } from './world.ts'

export interface SimulatedRuntime extends Runtime {
  /** What a container wrote, in the runtime interface's log format; undefined when it is gone. */
  log(containerId: string): string | undefined
  /** The container's own probes succeed now. */
  isReady(containerId: string): boolean
  /** A container ends as if by itself. */
  exit(containerId: string, exitCode: number, reason?: string): void
  /** A sandbox dies with all that is in it. */
  crash(sandboxId: string): void
}

/** A runtime that runs nothing: see the README beside it. */
export const createSimulatedRuntime = (options: SimulatedOptions): SimulatedRuntime => {
  const world = createWorld(options.env, options.podCidr ?? '10.244.0.0/24')
  const images = createImageStore(options.env, options.images ?? {})
  const { closeStreaming, ...streaming } = streamingCalls(world, options)
  return {
    ...nodeCalls(world, closeStreaming),
    ...sandboxCalls(world, options),
    ...containerCalls(world, images, options),
    ...imageCalls(world, images),
    ...streaming,
    log: (id) => world.containers.get(id)?.log.join(''),
    isReady: (id) => {
      const held = world.containers.get(id)
      if (held?.info.state !== 'running') return false
      return world.env.now() >= Number(held.info.startedAtNs / 1_000_000n) + (held.behaviour.readyMs ?? 0)
    },
    exit: world.end,
    crash: world.endSandbox,
  }
}

const nodeCalls = (world: World, closeStreaming: () => void) => ({
  version: async () => ({ name: 'simulated', version: '1', apiVersion: 'v1' }),
  status: async () => {
    const well = { ready: true, reason: '', message: '' }
    return { runtime: { type: 'RuntimeReady', ...well }, network: { type: 'NetworkReady', ...well }, handlers: [''] }
  },
  setPodCidr: async (cidr: string) => {
    // The addresses in use are known to the one it has.
    if (cidr !== world.addresses.cidr) world.addresses = createAddresses(cidr)
  },
  events: (signal: AbortSignal) => world.hub.listen(signal),
  close: () => {
    closeStreaming()
    for (const { timers } of world.containers.values()) for (const cancel of timers) cancel()
  },
})

const imageCalls = (world: World, images: ImageStore) =>
  ({
    pullImage: async (image, _auth, sandbox, call) => {
      const waitMs = Number(sandbox?.annotations[`${prefix}pull-ms`] ?? Number.NaN)
      const refused = sandbox?.annotations[`${prefix}fail`] === 'pull'
      return images.pull(image, Number.isFinite(waitMs) ? waitMs : undefined, refused, call?.signal)
    },
    listImages: async () => images.list(),
    imageStatus: async (image) => images.find(image),
    removeImage: async (image) => images.remove(image),
    imageFsInfo: async () => [{ atNs: world.nowNs(), mountpoint: '/', usedBytes: 0, inodesUsed: 0 }],
  }) satisfies Partial<Runtime>
