import { join } from 'node:path'
import type { NodeAddress } from '@skiff/api'
import { endpointSlice, service } from '@skiff/api'
import { type Client, createViews } from '@skiff/client'
import type { Env } from '@skiff/machinery'
import { type ClusterNetwork, type NodeNetwork, nftablesDataplane, serviceTable, startDns, startProxy } from '@skiff/network'
import { type ContainerdOptions, type NodeAgent, type Runtime, startNodeAgent } from '@skiff/node'
import type { Place } from './place.ts'

export const clusterCgroup = (name: string): string => `/skiff/${name}`

/** Where a node keeps its things, and the cgroup of its pods. */
export const nodePlaces = (place: Place, nodeName: string) => ({
  root: join(place.dir, 'nodes', nodeName),
  run: join(place.run, nodeName),
  cgroupRoot: `${clusterCgroup(place.name)}/${nodeName}`,
})

/** The containerd of a node. The same options find it again to adopt it, to import images, and to remove it. */
export const containerdOptions = (place: Place, node: NodeNetwork): ContainerdOptions => {
  const { root, run, cgroupRoot } = nodePlaces(place, node.name)
  return {
    root: join(root, 'containerd'),
    state: join(run, 'c'),
    logFile: join(root, 'containerd.log'),
    network: { name: `skiff-${place.name}-${node.name}`, bridge: node.podBridge, subnets: [node.podRange], masquerade: false },
    cgroupRoot,
    ...(node.netns ? { netns: node.netns } : {}),
  }
}

export interface NodePartsOptions {
  readonly place: Place
  readonly network: ClusterNetwork
  readonly node: NodeNetwork
  readonly runtime: Runtime
  readonly env: Env
  /** As the node: `system:node:NAME` in system:nodes. */
  readonly nodeClient: Client
  /** As kube-proxy, for services and slices. */
  readonly proxyClient: Client
  readonly kubeletPort?: number
}

export interface NodeParts {
  readonly agent: NodeAgent
  stop(): Promise<void>
}

export const kubernetesNodeVersion = 'v1.33.4+skiff'

/** Agent, service rules and DNS of one node, in the network namespace of this process. */
export const startNodeParts = async (options: NodePartsOptions): Promise<NodeParts> => {
  const { network, node, env } = options
  const views = createViews(options.proxyClient, child(env, 'network'))
  const services = views.view(service)
  const slices = views.view(endpointSlice)
  const agent = startAgent(options)
  agent.catch(() => {})
  await views.synced()
  const dataplane = nftablesDataplane(
    { name: serviceTable(network.cluster), family: 'ip', podRange: network.ranges.pods, serviceRange: network.ranges.services },
    child(env, 'network'),
  )
  const proxy = startProxy({
    services,
    slices,
    dataplanes: [dataplane],
    nodeName: node.name,
    ownAddresses: new Set([network.dnsAddress]),
    env: child(env, 'network'),
  })
  const dns = await startDns({
    services,
    slices,
    listen: [{ address: network.dnsAddress }],
    ranges: [network.ranges.pods, network.ranges.services],
    env: child(env, 'dns'),
  })
  const started = await agent
  return {
    agent: started,
    stop: async () => {
      await started.stop()
      await Promise.all([proxy.stop(), dns.close(), views.close()])
    },
  }
}

const child = (env: Env, name: string): Env => ({ ...env, log: env.log.child(name) })

const startAgent = ({ place, network, node, runtime, env, nodeClient, kubeletPort }: NodePartsOptions): Promise<NodeAgent> => {
  const places = nodePlaces(place, node.name)
  const addresses: NodeAddress[] = [
    { type: 'InternalIP', address: node.address },
    { type: 'Hostname', address: node.name },
  ]
  return startNodeAgent({
    client: nodeClient,
    env: child(env, 'node'),
    nodeName: node.name,
    runtime,
    rootDir: places.root,
    logDir: join(places.root, 'logs'),
    podCidr: node.podRange,
    clusterDns: [network.dnsAddress],
    clusterDomain: 'cluster.local',
    addresses,
    version: kubernetesNodeVersion,
    cgroupRoot: places.cgroupRoot,
    ...(kubeletPort ? { kubeletPort } : {}),
  })
}
