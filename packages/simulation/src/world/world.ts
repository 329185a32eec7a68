import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiServer, type NodeDirectory, seededIdentifiers, startApiServer } from '@skiff/apiserver'
import { type Client, connect, type Identity, type VirtualEnv, virtualEnv } from '@skiff/client'
import { type Env, seededRandom } from '@skiff/machinery'
import { openMemoryStore } from '@skiff/store'
import type { NodeShape } from '../nodes/shape.ts'
import { type Simulation, startSimulation } from '../start.ts'
import { type Component, controllersOf, schedulerOf } from './component.ts'
import { createLink, type Link } from './link.ts'

export interface WorldOptions {
  readonly seed: number
  readonly shapes: readonly NodeShape[]
  /** The text of a simulation file. */
  readonly file?: string
}

/** A whole cluster in one process and in a time of its own: API server, controllers, scheduler and simulated nodes. */
export interface World {
  readonly env: Env
  readonly api: ApiServer
  /** Speaks as an administrator. */
  readonly client: Client
  readonly simulation: Simulation
  readonly controllers: Component
  readonly scheduler: Component
  /** Of all nodes. */
  readonly nodesLink: Link
  /** Lets time pass, and all happen that happens meanwhile. */
  live(ms: number): Promise<void>
  /** The clocks on the wall go forward, or back; nothing waits for less or longer because of it. */
  jumpClock(ms: number): void
  stop(): Promise<void>
}

const administrator: Identity = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

const workingStepMs = 100
const restingStepMs = 1_000
/** So many turns of the event loop may what is due at one moment take, before time goes on without it. */
const mostTurns = 200

export const createWorld = async ({ seed, shapes, file }: WorldOptions): Promise<World> => {
  const clock = virtualEnv(seed)
  let jumpedMs = 0
  const env: Env = { ...clock, now: () => clock.now() + jumpedMs }
  let simulation: Simulation | undefined
  // Nobody runs anything, so nobody answers for it; what it uses is known all the same.
  const directory: NodeDirectory = {
    connection: () => undefined,
    get meter() {
      return simulation && { has: simulation.fleet.isAlive, of: simulation.usageOf }
    },
  }
  const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-simulation-'))
  const api = await startApiServer({
    store: openMemoryStore(),
    env,
    pkiDir,
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: directory,
    metrics: true,
    identifiers: seededIdentifiers(seededRandom(seed + 1)),
  })
  const resources = () => api.registry.all().filter((kind) => !kind.conversion)
  const controllers = controllersOf(api.handler, env, { resources, rootCa: () => api.authorities.clients.cert })
  const scheduler = schedulerOf(api.handler, env)
  const nodesLink = createLink(api.handler)
  const client = api.client(administrator)
  const nodesClient = connect(nodesLink.handler, administrator)
  const live = passing(clock, () => controllers.busy > 0 || (simulation?.busy ?? 0) > 0)
  const starting = Promise.all([
    controllers.start(),
    scheduler.start(),
    startSimulation({ client: nodesClient, env, shapes, resources: resources(), ...(file !== undefined ? { file } : {}) }),
  ])
  const close = async (): Promise<void> => {
    await api.close()
    rmSync(pkiDir, { recursive: true })
  }
  try {
    simulation = (await meanwhile(starting, live))[2]
  } catch (error) {
    await close()
    throw error
  }
  const stop = async (): Promise<void> => {
    // Events on their way still take time.
    await meanwhile(Promise.all([simulation?.stop(), controllers.stop(), scheduler.stop()]), live)
    await close()
  }
  const jumpClock = (ms: number): void => {
    jumpedMs += ms
  }
  return { env, api, client, simulation, controllers, scheduler, nodesLink, live, jumpClock, stop }
}

/** Lets time pass until something is done that takes some. */
export const meanwhile = async <T>(doing: Promise<T>, live: (ms: number) => Promise<void>): Promise<T> => {
  let isDone = false
  const settled = () => {
    isDone = true
  }
  doing.then(settled, settled)
  await Promise.resolve()
  while (!isDone) await live(workingStepMs)
  return doing
}

/** While there is work time goes on in small steps, so that what follows from one moment happens at that moment. */
const passing = (clock: VirtualEnv, isBusy: () => boolean) => {
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 3 || (turns < mostTurns && isBusy()); turns += 1) await clock.settle()
  }
  return async (ms: number): Promise<void> => {
    for (const untilMs = clock.now() + ms; clock.now() < untilMs; ) {
      await clock.advance(Math.min(isBusy() ? workingStepMs : restingStepMs, untilMs - clock.now()))
      await settle()
    }
  }
}
