import type { Env } from '@skiff/machinery'
import { createEventHub, type EventHub } from '../event-hub.ts'
import { type ContainerInfo, RuntimeError, type RuntimeEvent, type SandboxConfig, type SandboxInfo } from '../runtime.ts'
import { type Addresses, createAddresses } from './addresses.ts'
import type { Behaviour } from './behaviour.ts'
import { criLine } from './log-lines.ts'

export interface HeldSandbox {
  readonly info: SandboxInfo
  readonly config: SandboxConfig
}
export interface HeldContainer {
  readonly info: ContainerInfo
  readonly sandboxId: string
  readonly behaviour: Behaviour
  readonly log: string[]
  readonly timers: (() => void)[]
  readonly ended: PromiseWithResolvers<void>
}

/** All that the simulated runtime holds, and how it changes. */
export interface World {
  readonly env: Env
  readonly hub: EventHub
  readonly sandboxes: Map<string, HeldSandbox>
  readonly containers: Map<string, HeldContainer>
  addresses: Addresses
  newId(): string
  nowNs(): bigint
  emit(kind: RuntimeEvent['kind'], containerId: string, sandboxId: string): void
  /** Throws when it is gone. */
  container(id: string): HeldContainer
  change(id: string, info: Partial<ContainerInfo>): HeldContainer
  start(id: string): void
  end(id: string, exitCode: number, reason?: string): void
  endSandbox(id: string): void
  removeContainer(id: string): void
}

const maxLogLines = 2_000

export const createWorld = (env: Env, podCidr: string): World => {
  const hub = createEventHub()
  const sandboxes = new Map<string, HeldSandbox>()
  const containers = new Map<string, HeldContainer>()
  const word = () =>
    Math.floor(env.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  const world: World = {
    env,
    hub,
    sandboxes,
    containers,
    addresses: createAddresses(podCidr),
    newId: () => Array.from({ length: 8 }, word).join(''),
    nowNs: () => BigInt(Math.trunc(env.now() * 1000)) * 1000n,
    emit: (kind, containerId, sandboxId) => {
      const podUid = sandboxes.get(sandboxId)?.info.podUid ?? ''
      hub.emit({ kind, containerId, sandboxId, podUid, atNs: world.nowNs() })
    },
    container: (id) => {
      const held = containers.get(id)
      if (!held) throw new RuntimeError('notFound', `an error occurred when try to find container ${JSON.stringify(id)}: not found`)
      return held
    },
    change: (id, info) => {
      const old = world.container(id)
      const held = { ...old, info: { ...old.info, ...info } }
      containers.set(id, held)
      return held
    },
    start: (id) => startIn(world, id),
    end: (id, exitCode, reason = exitCode === 0 ? 'Completed' : 'Error') => {
      const held = containers.get(id)
      if (held?.info.state !== 'running') return
      for (const cancel of held.timers) cancel()
      world.change(id, { state: 'exited', exitCode, reason, finishedAtNs: world.nowNs() })
      held.ended.resolve()
      world.emit('stopped', id, held.sandboxId)
    },
    endSandbox: (id) => {
      const held = sandboxes.get(id)
      if (!held?.info.ready) return
      for (const [containerId, { sandboxId }] of containers) if (sandboxId === id) world.end(containerId, 137)
      sandboxes.set(id, { ...held, info: { ...held.info, ready: false } })
      if (held.info.ip !== '') world.addresses.free(held.info.ip)
      world.emit('stopped', id, id)
    },
    removeContainer: (id) => {
      const held = containers.get(id)
      if (!held) return
      world.end(id, 137)
      containers.delete(id)
      world.emit('deleted', id, held.sandboxId)
    },
  }
  return world
}

const startIn = (world: World, id: string): void => {
  const { env } = world
  const { behaviour, timers, log, sandboxId } = world.change(id, { state: 'running', startedAtNs: world.nowNs() })
  for (const { atMs, text, stream = 'stdout' } of behaviour.lines ?? []) {
    const write = () => {
      log.push(criLine(env.now(), stream, text))
      if (log.length > maxLogLines) log.splice(0, maxLogLines / 2)
    }
    timers.push(env.after(atMs, write))
  }
  if (behaviour.runMs !== undefined) {
    const act = () => (behaviour.oom ? world.end(id, 137, 'OOMKilled') : world.end(id, behaviour.exitCode ?? 0))
    timers.push(env.after(behaviour.runMs, act))
  }
  world.emit('started', id, sandboxId)
}
