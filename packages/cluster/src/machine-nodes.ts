import { node as nodes } from '@skiff/api'
import { type ApiServer, loopbackIdentity } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'
import { applySteps, type NodeNetwork, observeMachine, planTopology } from '@skiff/network'
import { type Containerd, startContainerd } from '@skiff/node'
import { nodeIdentity, proxyIdentity } from './identities.ts'
import type { MachineNodesOptions } from './machine-nodes-options.ts'
import { createMemberNodes } from './member-nodes.ts'
import { nearConnection } from './node-connection.ts'
import { containerdOptions, type NodeParts, startNodeParts } from './node-parts.ts'

export interface MachineNodes {
  /** Starts agents against the API; resolves when every node has registered. */
  join(api: ApiServer): Promise<void>
  /** Ends agents. Containers, containerd and service rules stay. */
  stop(): Promise<void>
}

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
      parts = await within(env, registerMs, `node ${host.name} did not register`, startHost(options, host, containerd, api))
      await markControlPlane(api, host.name)
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

const registerMs = 60_000

/** As kubeadm marks the node that it set up; a node may not give itself this label. */
const markControlPlane = async (api: ApiServer, name: string): Promise<void> => {
  await api
    .client(loopbackIdentity)
    .patch(nodes, { name }, 'merge', { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } })
}

const within = async <T>(env: Env, limitMs: number, otherwise: string, work: Promise<T>): Promise<T> => {
  const done = new AbortController()
  const late = async (): Promise<never> => {
    await env.sleep(limitMs, done.signal)
    throw new Error(`${otherwise} within ${limitMs / 1000} s; see \`skiff journal node\``)
  }
  try {
    return await Promise.race([work, late()])
  } finally {
    done.abort()
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
