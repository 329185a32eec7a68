import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiServer, noNodes, startApiServer } from '@skiff/apiserver'
import { type Client, createViews, type Identity, type VirtualEnv, virtualEnv } from '@skiff/client'
import { type RunningControllers, startControllers } from '@skiff/controllers'
import { startScheduler } from '@skiff/scheduler'
import { openMemoryStore } from '@skiff/store'
import type { NodeShape } from '../nodes/shape.ts'
import { type Simulation, startSimulation } from '../start.ts'

export interface WorldOptions {
  readonly seed: number
  readonly shapes: readonly NodeShape[]
  /** The text of a simulation file. */
  readonly file?: string
}

/** A whole cluster in one process and in a time of its own: API server, controllers, scheduler and simulated nodes. */
export interface World {
  readonly env: VirtualEnv
  readonly api: ApiServer
  /** Speaks as an administrator. */
  readonly client: Client
  readonly simulation: Simulation
  /** Lets time pass, and all happen that happens meanwhile. */
  live(ms: number): Promise<void>
  stop(): Promise<void>
}

const administrator: Identity = { name: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }
const component = (name: string): Identity => ({ name, groups: ['system:authenticated'] })

const stepMs = 100
/** So many turns of the event loop may what is due at one moment take, before time goes on without it. */
const mostTurns = 200

export const createWorld = async ({ seed, shapes, file }: WorldOptions): Promise<World> => {
  const env = virtualEnv(seed)
  const pkiDir = mkdtempSync(join(tmpdir(), 'skiff-simulation-'))
  const api = await startApiServer({
    store: openMemoryStore(),
    env,
    pkiDir,
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: noNodes,
  })
  const controllers = await startLoops(api, env)
  const client = api.client(administrator)
  const starting = startSimulation({
    client,
    env,
    shapes,
    resources: api.registry.all().filter((kind) => !kind.conversion),
    ...(file !== undefined ? { file } : {}),
  })
  let simulation: Simulation | undefined
  void starting.then((started) => {
    simulation = started
  })
  const busy = (): boolean => controllers.controllers.busy > 0 || (simulation?.busy ?? 0) > 0
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 3 || (turns < mostTurns && busy()); turns += 1) await env.settle()
  }
  const live = async (ms: number): Promise<void> => {
    for (const untilMs = env.now() + ms; env.now() < untilMs; ) {
      await env.advance(Math.min(stepMs, untilMs - env.now()))
      await settle()
    }
  }
  while (!simulation) await live(stepMs)
  return {
    env,
    api,
    client,
    simulation,
    live,
    stop: async () => {
      const stopped = Promise.all([starting.then((one) => one.stop()), controllers.stop()])
      // Events on their way still take time.
      await env.advance(20_000)
      await stopped
      await api.close()
      rmSync(pkiDir, { recursive: true })
    },
  }
}

interface Loops {
  readonly controllers: RunningControllers
  stop(): Promise<void>
}

const startLoops = async (api: ApiServer, env: VirtualEnv): Promise<Loops> => {
  const controllers = await startControllers({
    client: api.client(component('system:kube-controller-manager')),
    env,
    enabled: ['*'],
    resources: () => api.registry.all().filter((kind) => !kind.conversion),
    rootCa: () => api.authorities.clients.cert,
  })
  const client = api.client(component('system:kube-scheduler'))
  const views = createViews(client, env)
  const scheduler = await startScheduler({ client, views, env })
  return {
    controllers,
    stop: async () => {
      await scheduler.stop()
      await views.close()
      await controllers.stop()
    },
  }
}
