import type { ApiServer } from '@skiff/apiserver'
import type { Env } from '@skiff/machinery'
import { describeNetwork } from '@skiff/network'
import {
  createSimulatedRuntime,
  type NodeAgent,
  openLogInMemory,
  simulatedHooks,
  simulatedMachine,
  simulatedProbes,
  startNodeAgent,
} from '@skiff/node'
import { nodeIdentity } from './identities.ts'
import { nearConnection } from './node-connection.ts'
import type { ClusterNodes } from './node-directory.ts'
import { kubernetesNodeVersion } from './node-parts.ts'
import type { ClusterRecord } from './record.ts'

export interface SimulatedNodesOptions {
  readonly api: ApiServer
  readonly record: ClusterRecord
  readonly env: Env
  readonly directory: ClusterNodes
}

/** Nodes that run nothing, in this process: agents over the simulated runtime. Answers what stops them. */
export const startSimulatedNodes = async ({ api, record, env, directory }: SimulatedNodesOptions): Promise<() => Promise<void>> => {
  const network = describeNetwork({
    cluster: record.name,
    ranges: record.ranges,
    nodes: new Map(record.nodes.map((node) => [node.number, node.name])),
  })
  const agents: NodeAgent[] = []
  for (const node of network.nodes) {
    const runtime = createSimulatedRuntime({ env, podCidr: node.podRange })
    const agent = await startNodeAgent({
      client: api.client(nodeIdentity(node.name)),
      env,
      nodeName: node.name,
      runtime,
      machine: simulatedMachine(node.name),
      runProbe: simulatedProbes(runtime),
      runHook: simulatedHooks(env.sleep),
      openLog: openLogInMemory(env, runtime.log),
      podCidr: node.podRange,
      clusterDns: [network.dnsAddress],
      clusterDomain: 'cluster.local',
      addresses: [
        { type: 'InternalIP', address: node.address },
        { type: 'Hostname', address: node.name },
      ],
      version: kubernetesNodeVersion,
    })
    directory.set(node.name, nearConnection(agent.service))
    agents.push(agent)
  }
  return async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
  }
}
