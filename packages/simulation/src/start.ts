import type { Node, Pod } from '@skiff/api'
import { node as nodes, pod as pods } from '@skiff/api'
import { type Client, createRecorder, createViews, type EventRecorder, type Views } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { createLanes } from './lanes.ts'
import { createFleet, type Fleet } from './nodes/fleet.ts'
import { isSimulated, type NodeShape } from './nodes/shape.ts'
import { behaviourOf } from './pods/behaviour.ts'
import { builtinPodStages } from './pods/stages.ts'
import { createPlayer, type Player } from './stages/player.ts'
import { createWheel } from './wheel.ts'

export interface SimulationOptions {
  /** Near, so that each node can speak for itself. */
  readonly client: Client
  readonly env: Env
  /** Shared with others in this process, and left open by `stop`. Absent: own ones. */
  readonly views?: Views
  readonly shapes: readonly NodeShape[]
  /** How many writes of pods are on their way at a time. */
  readonly podWrites?: number
}

export interface Simulation {
  readonly fleet: Fleet
  /** Writes that wait or are on their way. */
  readonly busy: number
  /** A node's agent falls silent with all that runs there, or speaks again. */
  setAlive(nodeName: string, alive: boolean): boolean
  stop(): Promise<void>
}

/** Who makes the nodes: as a person with every right would. */
const makerIdentity = { name: 'system:skiff:simulation', groups: ['system:masters', 'system:authenticated'] }

const nodeWrites = 32

/**
 * Plays the agents of simulated nodes in this process: one view of nodes and one of pods, one wheel of timers, and a bounded number of
 * writes on their way for all of them. Resolves once the nodes are registered.
 */
export const startSimulation = async (options: SimulationOptions): Promise<Simulation> => {
  const { env, shapes } = options
  const client = options.client.as(makerIdentity)
  const views = options.views ?? createViews(client, env)
  const wheel = createWheel(env)
  // Leases are not to wait behind pods.
  const nodeLanes = createLanes(nodeWrites)
  const podLanes = createLanes(options.podWrites ?? 64)
  const nodeView = views.view(nodes)
  const podView = views.view(pods)
  await Promise.all([nodeView.synced, podView.synced])
  const fleet = createFleet({ client, env, view: nodeView, wheel, lanes: nodeLanes, shapes, tellsStatus: true })
  const recorder = createRecorder(client, env, { component: 'kubelet' })
  const unfollow = podView.subscribe(({ before, after }) => keepAddresses(fleet, before, after))
  const player = playPods({ client, env, wheel, lanes: podLanes, views, fleet, recorder })
  const adopting = adopt(views, player, env)
  await fleet.register()
  return {
    fleet,
    get busy() {
      return nodeLanes.busy + podLanes.busy
    },
    setAlive: (name, alive) => {
      const known = fleet.setAlive(name, alive)
      if (known) player.review()
      return known
    },
    stop: async () => {
      adopting()
      unfollow()
      player.stop()
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

interface PlayPods {
  readonly client: Client
  readonly env: Env
  readonly wheel: ReturnType<typeof createWheel>
  readonly lanes: ReturnType<typeof createLanes>
  readonly views: Views
  readonly fleet: Fleet
  readonly recorder: EventRecorder
}

const playPods = ({ client, env, wheel, lanes, views, fleet, recorder }: PlayPods): Player => {
  const nodeOf = (pod: Pod): string => pod.spec.nodeName ?? ''
  const stages = builtinPodStages({
    behaviour: (pod) => behaviourOf(pod, fleet.shapeOf(nodeOf(pod))?.failures),
    hostIP: (pod) => fleet.hostIP(nodeOf(pod)),
    place: fleet.placePod,
  })
  return createPlayer<Pod>({
    resource: pods,
    view: views.view(pods),
    stages,
    env,
    wheel,
    lanes,
    recorder,
    isOurs: (pod) => fleet.isAlive(nodeOf(pod)),
    clientFor: (pod) => fleet.clientOf(nodeOf(pod)) ?? client,
  })
}

/** Pods may be on a node before we know that it is ours: once nodes appear, all pods are looked at again, soon and once. */
const adopt = (views: Views, player: Player, env: Env): (() => void) => {
  let cancel: (() => void) | undefined
  const unsubscribe = views.view(nodes).subscribe(({ before, after }: { before: Node | undefined; after: Node | undefined }) => {
    if (cancel || !after || !isSimulated(after) || (before && isSimulated(before))) return
    cancel = env.after(1_000, () => {
      cancel = undefined
      player.review()
    })
  })
  return () => {
    unsubscribe()
    cancel?.()
  }
}
