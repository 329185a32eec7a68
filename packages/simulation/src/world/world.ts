import type { ApiServer, NodeDirectory } from '@skiff/apiserver'
import { type Client, connect, type Handler, type Identity, type VirtualEnv, virtualEnv } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import type { NodeShape } from '../nodes/shape.ts'
import { type Simulation, startSimulation } from '../start.ts'
import { type Component, controllersOf, schedulerOf } from './component.ts'
import { createLink, type Link } from './link.ts'
import { createServers } from './servers.ts'

export interface WorldOptions {
  readonly seed: number
  readonly shapes: readonly NodeShape[]
  /** The text of a simulation file. */
  readonly file?: string
  /** Comes between a part of the cluster and the API server. */
  readonly disturb?: (part: Part, handler: Handler, env: Env) => Handler
}
export type Part = 'controllers' | 'scheduler' | 'nodes'

/** A whole cluster in one process and in a time of its own: API server, controllers, scheduler and simulated nodes. */
export interface World {
  readonly env: Env
  /** The one that runs now. */
  readonly api: ApiServer
  /** Speaks as an administrator. */
  readonly client: Client
  /**
   * The same for who lets no time pass meanwhile: each call is seen through at the moment it is made at, though it may have to be made
   * again where another was faster. Not for use while time passes.
   */
  readonly stillClient: Client
  readonly simulation: Simulation
  readonly controllers: Component
  readonly scheduler: Component
  /** Of all nodes. */
  readonly nodesLink: Link
  /** Lets time pass, and all happen that happens meanwhile. */
  live(ms: number): Promise<void>
  /** The clocks on the wall go forward, or back; nothing waits for less or longer because of it. */
  jumpClock(ms: number): void
  /** How far the clocks of the nodes' agents are ahead. */
  skewNodes(ms: number): void
  /** Calls and watches fail until `startApi`, which opens another server over the same store. */
  crashApi(): void
  startApi(): Promise<void>
  stop(): Promise<void>
}

const administrator: Identity = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

const workingStepMs = 100
const restingStepMs = 1_000
/** So many turns of the event loop may what is due at one moment take, before time goes on without it. */
const mostTurns = 200

export const createWorld = async (options: WorldOptions): Promise<World> => {
  const { seed, shapes, file, disturb = (_, handler) => handler } = options
  const clock = virtualEnv(seed)
  let jumpedMs = 0
  let skewMs = 0
  const env: Env = { ...clock, now: () => clock.now() + jumpedMs }
  const nodesEnv: Env = { ...env, now: () => env.now() + skewMs }
  let simulation: Simulation | undefined
  // Nobody runs anything, so nobody answers for it; what it uses is known all the same.
  const directory: NodeDirectory = {
    connection: () => undefined,
    get meter() {
      return simulation && { has: simulation.fleet.isAlive, of: simulation.usageOf }
    },
  }
  const servers = await createServers(seed, env, directory)
  const { handler } = servers
  const resources = () => servers.api.registry.all().filter((kind) => !kind.conversion)
  const rootCa = () => servers.api.authorities.clients.cert
  const controllers = controllersOf(disturb('controllers', handler, env), env, { resources, rootCa })
  const scheduler = schedulerOf(disturb('scheduler', handler, env), env)
  const nodesLink = createLink(disturb('nodes', handler, env))
  const client = connect(handler, administrator)
  const stillClient = connect((call) => meanwhile(handler(call), () => clock.advance(0)), administrator)
  const nodesClient = connect(nodesLink.handler, administrator)
  const live = passing(clock, () => controllers.busy > 0 || (simulation?.busy ?? 0) > 0)
  const starting = Promise.all([
    controllers.start(),
    scheduler.start(),
    startSimulation({ client: nodesClient, env: nodesEnv, shapes, resources, ...(file !== undefined ? { file } : {}) }),
  ])
  try {
    simulation = (await meanwhile(starting, live))[2]
  } catch (error) {
    await servers.stop()
    throw error
  }
  const stop = async (): Promise<void> => {
    // Events on their way still take time.
    await meanwhile(Promise.all([simulation?.stop(), controllers.stop(), scheduler.stop()]), live)
    await servers.stop()
  }
  const jumpClock = (ms: number): void => {
    jumpedMs += ms
  }
  const skewNodes = (ms: number): void => {
    skewMs = ms
  }
  return {
    ...{ env, client, stillClient, simulation, controllers, scheduler, nodesLink, live, jumpClock, skewNodes, stop },
    get api() {
      return servers.api
    },
    crashApi: servers.crash,
    // It reads files, which takes time of the machine's: of its own it lets none pass, or no two runs would be equal.
    startApi: () => meanwhile(servers.start(), () => clock.advance(0)),
  }
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
