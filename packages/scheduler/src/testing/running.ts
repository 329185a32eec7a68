import {
  csiDriver,
  csiNode,
  csiStorageCapacity,
  event,
  type Node,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  replicaSet,
  replicationController,
  service,
  statefulSet,
  storageClass,
  volumeAttachment,
} from '@skiff/api'
import {
  type Call,
  type Client,
  connect,
  createMemoryServer,
  createViews,
  type MemoryServer,
  type VirtualEnv,
  virtualEnv,
} from '@skiff/client'
import type { Family } from '@skiff/machinery'
import { type Scheduler, type SchedulerOptions, startScheduler } from '../start.ts'

const core = [event, namespace, node, pod, service, replicationController, persistentVolume, persistentVolumeClaim]
const storage = [storageClass, csiNode, csiDriver, csiStorageCapacity, volumeAttachment]
const resources = [...core, ...storage, replicaSet, statefulSet, podDisruptionBudget]

export interface Running {
  readonly env: VirtualEnv
  readonly server: MemoryServer
  readonly client: Client
  add(...objects: readonly (Node | Pod)[]): Promise<void>
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>
  pod(name: string): Pod | undefined
  /** Where each pod is, '' for nowhere. */
  places(): Record<string, string>
  /** "reason: message" of every event, in order. */
  events(): string[]
  metrics(): readonly Family[]
  stop(): Promise<void>
}

export interface RunningOptions extends Partial<SchedulerOptions> {
  /** Sees each call before the server; may throw. */
  readonly intercept?: (call: Call) => void | Promise<void>
}

/** A server that knows what the scheduler needs, and a client of it that never fails. */
export const memoryCluster = (seed: number) => {
  const env = virtualEnv(seed)
  const server = createMemoryServer(env, resources)
  return { env, server, client: connect(server.handler, { name: 'test', groups: [] }) }
}

/** A scheduler over a server in memory, in a time that stands still. */
export const running = async ({ intercept, ...options }: RunningOptions = {}): Promise<Running> => {
  const { env, server } = memoryCluster(1)
  const client = connect(
    async (call) => {
      await intercept?.(call)
      return server.handler(call)
    },
    { name: 'test', groups: [] },
  )
  const views = createViews(client, env)
  const scheduler: Scheduler = await startScheduler({ client, views, env, ...options })
  const settle = async () => {
    for (let turn = 0; turn < 6; turn += 1) await env.settle()
  }
  const pods = () => server.all(pod)
  return {
    env,
    server,
    client,
    settle,
    add: async (...objects) => {
      for (const object of objects)
        if (object.kind === 'Node') await client.create(node, object as Node)
        else await client.create(pod, object as Pod)
      await settle()
    },
    pod: (name) => pods().find((each) => each.metadata.name === name),
    places: () => Object.fromEntries(pods().map((each) => [each.metadata.name, each.spec.nodeName ?? ''])),
    events: () => server.all(event).map(({ reason, message }) => `${reason}: ${message}`),
    metrics: scheduler.metrics,
    stop: async () => {
      await scheduler.stop()
      await views.close()
    },
  }
}
