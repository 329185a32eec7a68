import type { ApiServer } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'
import { applySteps, type ClusterNetwork, type NodeNetwork, observeMachine, planTopology } from '@skiff/network'
import { type Containerd, startContainerd } from '@skiff/node'
import { createMemberNodes } from './member-nodes.ts'
import { nearConnection } from './node-connection.ts'
import type { ClusterNodes } from './node-directory.ts'
import { containerdOptions, type NodeParts, startNodeParts } from './node-parts.ts'
import type { Place } from './place.ts'
import type { ClusterRecord } from './record.ts'

export interface MachineNodesOptions {
  readonly place: Place
  readonly record: ClusterRecord
  readonly network: ClusterNetwork
  readonly env: Env
  readonly directory: ClusterNodes
  readonly progress: (step: string) => void
}

export interface MachineNodes {
  /** Starts agents against the API; resolves when every node has registered. */
  join(api: ApiServer): Promise<void>
  /** Ends agents. Containers, containerd and service rules stay. */
  stop(): Promise<void>
}

export const nodeIdentity = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })
export const proxyIdentity = { name: 'system:kube-proxy', groups: ['system:authenticated'] }

/** The nodes of a cluster on one machine: the network between them, the host's own containerd, and a process for each further node. */
export const startMachineNodes = async (options: MachineNodesOptions): Promise<MachineNodes> => {
  const { place, network, env, directory, progress } = options
  await applySteps(planTopology(network, await observeMachine()))
  progress('network')
  const host = network.nodes.find((node) => node.number === 1) as NodeNetwork
  const containerd = await startContainerd({ ...env, log: env.log.child('containerd') }, containerdOptions(place, host))
  progress('containerd')
  const members = createMemberNodes(options)
  let parts: NodeParts | undefined
  return {
    join: async (api) => {
      parts = await startHost(options, host, containerd, api)
      directory.set(host.name, nearConnection(parts.agent.service))
      progress(`node ${host.name}`)
      await members.start(api)
    },
    stop: async () => {
      await members.stop()
      await parts?.stop()
      await containerd.release()
    },
  }
}

const startHost = (
  { place, network, env }: MachineNodesOptions,
  node: NodeNetwork,
  containerd: Containerd,
  api: ApiServer,
): Promise<NodeParts> =>
  startNodeParts({
    place,
    network,
    node,
    runtime: containerd.runtime,
    env,
    nodeClient: api.client(nodeIdentity(node.name)),
    proxyClient: api.client(proxyIdentity),
  })
