import type { Node, Pod } from '@skiff/api'
import { node as nodes, pod as pods, type Resource } from '@skiff/api'
import type { NodeConnection } from '@skiff/apiserver'
import { type Client, createRecorder, createViews, type Views } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { answersOf } from './answers/connection.ts'
import { readSimulationFile } from './file/read-file.ts'
import { createLanes } from './lanes.ts'
import { createFleet, type Fleet } from './nodes/fleet.ts'
import { isSilent, isSimulated, type NodeShape } from './nodes/shape.ts'
import { createPlayers } from './stages/players.ts'
import { createUsage, type UsageOf } from './usage/usage.ts'
import { createWheel } from './wheel.ts'

export interface SimulationOptions {
  /** Near, so that each node can speak for itself. */
  readonly client: Client
  readonly env: Env
  /** Shared with others in this process, and left open by `stop`. Absent: own ones. */
  readonly views?: Views
  /** Besides those of the file. */
  readonly shapes: readonly NodeShape[]
  /** The text of a simulation file: shapes, stages, usage, logs. */
  readonly file?: string
  /** Where the files lie that it names; absent: in the working directory. */
  readonly directory?: string
  /** What is served now: stages of the file may be for any of it, and apply any of it. */
  readonly resources?: () => readonly Resource[]
  /** How many writes of pods are on their way at a time. */
  readonly podWrites?: number
}

export interface Simulation {
  readonly fleet: Fleet
  /** Writes that wait or are on their way. */
  readonly busy: number
  /** What the containers of a pod use, for who measures: by annotations and the file. */
  readonly usageOf: UsageOf
  /** The way to a simulated node whose agent speaks; undefined for another. */
  connection(nodeName: string): NodeConnection | undefined
  /** A node's agent falls silent with all that runs there, or speaks again. */
  setAlive(nodeName: string, alive: boolean): boolean
  stop(): Promise<void>
}

/** Who makes the nodes: as a person with every right would. */
const makerIdentity = { name: 'system:skiff:simulation', groups: ['system:masters', 'system:authenticated'] }

const nodeWrites = 32

/**
 * Plays the agents of simulated nodes in this process: one view of nodes and one of pods, one wheel of timers, and a bounded number of
 * writes on their way for all of them. Resolves once the nodes are registered; rejects when the file is not as it should be.
 */
export const startSimulation = async (options: SimulationOptions): Promise<Simulation> => {
  const { env } = options
  const client = options.client.as(makerIdentity)
  // Read first: what is wrong with the file is told before anything starts. Its templates ask the fleet only once they are played.
  const file = readSimulationFile(options.file ?? '', {
    now: env.now,
    random: env.random,
    nodeIP: (name) => fleet.hostIP(name),
    podIP: (...pod) => fleet.podIP(...pod),
  })
  for (const each of file.ignored) env.log.warn('the simulation file holds what is not simulated', { document: each })
  const views = options.views ?? createViews(client, env)
  const wheel = createWheel(env)
  // Leases are not to wait behind pods.
  const nodeLanes = createLanes(nodeWrites)
  const podLanes = createLanes(options.podWrites ?? 64)
  const nodeView = views.view(nodes)
  const podView = views.view(pods)
  await Promise.all([nodeView.synced, podView.synced])
  const shapes = [...options.shapes, ...file.shapes]
  const hasStages = file.stages.some(({ group, kind }) => group === '' && kind === 'Node')
  const tells = !hasStages ? 'all' : file.keepsBuiltins ? 'heartbeats' : 'nothing'
  const lease = file.leaseDurationSeconds === undefined ? {} : { leaseDurationSeconds: file.leaseDurationSeconds }
  const fleet = createFleet({ client, env, view: nodeView, wheel, lanes: nodeLanes, shapes, tells, ...lease })
  const recorder = createRecorder(client, env, { component: 'kubelet' })
  const unfollow = podView.subscribe(({ before, after }) => keepAddresses(fleet, before, after))
  const resources = options.resources ?? (() => [])
  const players = createPlayers({ client, env, wheel, lanes: podLanes, views, fleet, recorder, file, resources })
  const adopting = adopt(views, players.review, env)
  await fleet.register()
  const answers = answersOf({ rules: file.answers, pods: podView, env, directory: options.directory ?? '.' })
  return {
    fleet,
    get busy() {
      return nodeLanes.busy + podLanes.busy
    },
    usageOf: createUsage(file.usages, podView, nodeView, env),
    connection: (name) => (fleet.isAlive(name) ? answers : undefined),
    setAlive: (name, alive) => {
      const known = fleet.setAlive(name, alive)
      if (known) players.review()
      return known
    },
    stop: async () => {
      adopting()
      unfollow()
      players.stop()
      fleet.stop()
      wheel.stop()
      await Promise.all([nodeLanes.stop(), podLanes.stop()])
      await recorder.close()
      if (!options.views) await views.close()
    },
  }
}

const isOver = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** A pod's address is its own from when its status has it until it has ended or is gone. */
const keepAddresses = (fleet: Fleet, before: Pod | undefined, after: Pod | undefined): void => {
  const same = before?.metadata.uid === after?.metadata.uid
  if (before && !isOver(before) && (!same || (after && isOver(after)))) fleet.releaseAddress(before)
  if (after && !isOver(after) && (!same || before?.status?.podIP !== after.status?.podIP)) fleet.holdAddress(after)
}

const speaks = (node: Node): boolean => isSimulated(node) && !isSilent(node)

/** Pods may be on a node before we know that it is ours, or that it speaks again: then all pods are looked at again, soon and once. */
const adopt = (views: Views, review: () => void, env: Env): (() => void) => {
  let cancel: (() => void) | undefined
  const unsubscribe = views.view(nodes).subscribe(({ before, after }: { before: Node | undefined; after: Node | undefined }) => {
    if (cancel || !after || !speaks(after) || (before && speaks(before))) return
    cancel = env.after(1_000, () => {
      cancel = undefined
      review()
    })
  })
  return () => {
    unsubscribe()
    cancel?.()
  }
}
