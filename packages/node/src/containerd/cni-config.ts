export interface PodNetwork {
  /** Unique on the machine: leases and cached results carry it. */
  readonly name: string
  /** Name of the node's bridge, at most 15 characters. */
  readonly bridge: string
  /** The node's pod ranges in CIDR form, one a family. The first address of each is the bridge's. */
  readonly subnets: readonly string[]
  readonly mtu?: number
  /** Packets that leave the pod network get the node's address by the CNI plugin; false leaves it to others. */
  readonly masquerade?: boolean
  /** Whether `hostPort` works, through the portmap plugin. */
  readonly hostPorts?: boolean
}

const everywhere = (subnet: string): string => (subnet.includes(':') ? '::/0' : '0.0.0.0/0')

/** The list of CNI plugins that gives each pod a veth on the node's bridge and an address of the node's range. */
export const cniConflist = (network: PodNetwork, dataDir: string): string => {
  if (network.bridge.length > 15) throw new Error(`bridge name ${network.bridge} is longer than 15 characters`)
  const bridge = {
    type: 'bridge',
    bridge: network.bridge,
    isGateway: true,
    // A pod may reach itself through its Service.
    hairpinMode: true,
    ipMasq: network.masquerade ?? false,
    ...(network.mtu ? { mtu: network.mtu } : {}),
    ipam: {
      type: 'host-local',
      ranges: network.subnets.map((subnet) => [{ subnet }]),
      routes: network.subnets.map((subnet) => ({ dst: everywhere(subnet) })),
      dataDir,
    },
  }
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true }
  return `${JSON.stringify(
    { cniVersion: '0.4.0', name: network.name, plugins: [bridge, ...((network.hostPorts ?? true) ? [portmap] : [])] },
    undefined,
    2,
  )}\n`
}
