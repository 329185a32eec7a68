import type { Lease, Node, Pod } from '@skiff/api'
import { lease as leases, node as nodes } from '@skiff/api'
import type { Client, View } from '@skiff/client'
import { type Env, isRefusal, rfc3339Micro } from '@skiff/machinery'
import type { Lanes } from '../lanes.ts'
import { shareOf } from '../pods/behaviour.ts'
import type { PodPlace } from '../pods/statuses.ts'
import type { Wheel } from '../wheel.ts'
import { addressesAt, createPodAddresses, type PodAddresses, placeOf, rangeSizeFor } from './address.ts'
import { draftNode, isWell, needsHeartbeat, withHeartbeat } from './node-object.ts'
import { isSilent, isSimulated, type NodeShape, shapeAnnotation } from './shape.ts'

export interface FleetOptions {
  /** May do everything: makes the nodes. */
  readonly client: Client
  readonly env: Env
  readonly view: View<Node>
  readonly wheel: Wheel
  readonly lanes: Lanes
  readonly shapes: readonly NodeShape[]
  /**
   * What of the nodes' status is told here, besides the leases: where stages of a file make nodes ill, heartbeats of those that are well;
   * where they tell all, nothing, not even of new ones.
   */
  readonly tells: 'all' | 'heartbeats' | 'nothing'
  /** How long a lease lasts; it is renewed after a quarter of that. Absent: 40 s. */
  readonly leaseDurationSeconds?: number
}

export interface Fleet {
  /** Makes the nodes that are not there yet. Resolves when all are written. */
  register(): Promise<void>
  /** Adds nodes while it runs. */
  join(shape: NodeShape): Promise<void>
  /** The node's agent falls silent, or speaks again. False for a node that is not simulated here. */
  setAlive(name: string, alive: boolean): boolean
  /** A simulated node whose agent speaks. */
  isAlive(name: string): boolean
  shapeOf(name: string): NodeShape | undefined
  clientOf(name: string): Client
  hostIP(name: string): string
  /** Addresses for a pod of this node, taken when it has none. */
  placePod(pod: Pod): PodPlace
  /** The same for templates: the address alone. */
  podIP(nodeName: string, hostNetwork: boolean, uid: string, held: string | undefined): string
  holdAddress(pod: Pod): void
  releaseAddress(pod: Pod): void
  readonly size: number
  stop(): void
}

interface Member {
  readonly name: string
  readonly address: string
  readonly podCidr: string
  readonly pods: PodAddresses
  readonly client: Client
  readonly shape: NodeShape | undefined
  alive: boolean
  lease: Lease | undefined
  cancel: () => void
}

// The kubelet's own numbers.
const usualLeaseSeconds = 40
const renewalsPerLease = 4
const reportMs = 300_000
const retryMs = 1_000

/** The agents of all simulated nodes: registers them, renews their leases, tells that they are well, knows whose addresses are whose. */
export const createFleet = (options: FleetOptions): Fleet => {
  const { client, env, view, wheel, lanes, leaseDurationSeconds = usualLeaseSeconds } = options
  const renewMs = (leaseDurationSeconds * 1_000) / renewalsPerLease
  const members = new Map<string, Member>()
  const shapes = new Map(options.shapes.map((shape) => [shape.name, shape]))
  const rangeSize = rangeSizeFor(Math.max(0, ...options.shapes.map(({ capacity }) => Number(capacity.pods ?? 110) || 110)))
  /** Addresses that were given to pods, by uid, and are not seen in their status yet: a write may have to be made again. */
  const taken = new Map<string, string>()
  let nextPlace = 0
  let stopped = false

  const admit = (node: Node): Member => {
    const { name } = node.metadata
    const given = node.spec.podCIDR
    const place = (given === undefined ? undefined : placeOf(given, rangeSize)) ?? nextPlace
    nextPlace = Math.max(nextPlace, place + 1)
    const own = addressesAt(place, rangeSize)
    const podCidr = given ?? own.podCidr
    const member: Member = {
      name,
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? own.address,
      podCidr,
      pods: createPodAddresses(podCidr),
      client: client.as({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] }),
      shape: shapes.get(node.metadata.annotations?.[shapeAnnotation] ?? ''),
      alive: !isSilent(node),
      lease: undefined,
      cancel: () => {},
    }
    members.set(name, member)
    if (member.alive) lanes.run(() => tend(member))
    return member
  }
  /** One turn of a node's agent: the lease, and the status where it needs a word. Then the next turn. */
  const tend = async (member: Member): Promise<void> => {
    if (!isOn(member)) return
    const first = member.lease === undefined
    let waitMs = renewMs
    try {
      const node = view.get(member.name)
      if (node && isTold(node) && needsHeartbeat(node, reportMs, env.now()))
        await member.client.update(nodes, withHeartbeat(node, member.address, env.now()), { subresource: 'status' })
      await renew(member)
    } catch (error) {
      // Whatever it was, the object in hand may be stale.
      member.lease = undefined
      waitMs = retryMs
      if (isOn(member) && !isRefusal(error, 409) && !isRefusal(error, 404))
        env.log.warn('a simulated node was not tended', { node: member.name, error: String(error) })
    }
    if (!isOn(member)) return
    // The first turns are spread over a period, so that the nodes' leases are not all due at once for ever.
    const spreadMs = first && waitMs === renewMs ? shareOf(member.name) * renewMs : waitMs
    member.cancel = wheel.after(spreadMs, () => lanes.run(() => tend(member)))
  }
  const isTold = (node: Node): boolean => options.tells === 'all' || (options.tells === 'heartbeats' && isWell(node))
  const isOn = (member: Member): boolean => !stopped && member.alive && members.get(member.name) === member
  const renew = async (member: Member): Promise<void> => {
    const { name } = member
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime: rfc3339Micro(env.now()) }
    if (member.lease) {
      member.lease = await member.client.update(leases, { ...member.lease, spec: { ...member.lease.spec, ...spec } })
      return
    }
    const uid = view.get(name)?.metadata.uid
    if (uid === undefined) return
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }]
    try {
      member.lease = await member.client.create(leases, { metadata: { name, namespace: 'kube-node-lease', ownerReferences }, spec })
    } catch (error) {
      if (!isRefusal(error, 409)) throw error
      const held = await member.client.get(leases, { namespace: 'kube-node-lease', name })
      member.lease = await member.client.update(leases, { ...held, spec: { ...held.spec, ...spec } })
    }
  }
  const setAlive = (name: string, alive: boolean): boolean => {
    const member = members.get(name)
    if (!member) return false
    if (member.alive !== alive) {
      member.alive = alive
      member.cancel()
      if (alive) lanes.run(() => tend(member))
    }
    return true
  }
  const unsubscribe = view.subscribe(({ before, after }) => {
    const name = (after ?? before)?.metadata.name as string
    const member = members.get(name)
    if (member && (!after || !isSimulated(after))) {
      member.cancel()
      members.delete(name)
    } else if (!member && after && isSimulated(after)) admit(after)
    // Only a change of the annotation counts: a trace may have silenced the node without it.
    else if (member && before && after && isSilent(before) !== isSilent(after)) setAlive(name, !isSilent(after))
  })

  const join = async (shape: NodeShape): Promise<void> => {
    shapes.set(shape.name, shape)
    const failures: unknown[] = []
    const creations: Promise<void>[] = []
    for (let number = 1; number <= shape.count; number += 1) {
      const name = `${shape.name}-${number}`
      if (view.get(name)) continue
      const own = addressesAt(nextPlace, rangeSize)
      nextPlace += 1
      creations.push(
        new Promise((resolve) => {
          lanes.run(async () => {
            try {
              if (!stopped)
                await client.create(nodes, draftNode(shape, { name, number, ...own }, options.tells === 'nothing' ? undefined : env.now()))
            } catch (error) {
              if (!isRefusal(error, 409)) failures.push(error)
            }
            resolve()
          })
        }),
      )
    }
    await Promise.all(creations)
    if (failures.length > 0) throw failures[0]
  }
  const placeOn = (nodeName: string, hostNetwork: boolean, uid: string, held: string | undefined): PodPlace => {
    const member = members.get(nodeName)
    const hostIP = member?.address ?? ''
    if (hostNetwork) return { hostIP, podIP: hostIP }
    const podIP = held || taken.get(uid) || member?.pods.take()
    if (podIP === undefined) return { hostIP, podIP: hostIP }
    if (!held) taken.set(uid, podIP)
    return { hostIP, podIP }
  }
  return {
    register: async () => {
      for (const shape of options.shapes) await join(shape)
    },
    join,
    setAlive,
    isAlive: (name) => members.get(name)?.alive === true,
    shapeOf: (name) => members.get(name)?.shape,
    clientOf: (name) => members.get(name)?.client ?? client,
    hostIP: (name) => members.get(name)?.address ?? '',
    placePod: ({ metadata, spec, status }) => placeOn(spec.nodeName ?? '', spec.hostNetwork === true, metadata.uid, status?.podIP),
    podIP: (...pod) => placeOn(...pod).podIP,
    holdAddress: ({ metadata, spec, status }) => {
      if (!status?.podIP || spec.hostNetwork) return
      taken.delete(metadata.uid)
      members.get(spec.nodeName ?? '')?.pods.hold(status.podIP)
    },
    releaseAddress: ({ metadata, spec, status }) => {
      const podIP = status?.podIP ?? taken.get(metadata.uid)
      taken.delete(metadata.uid)
      if (podIP && !spec.hostNetwork) members.get(spec.nodeName ?? '')?.pods.release(podIP)
    },
    get size() {
      return members.size
    },
    stop: () => {
      stopped = true
      unsubscribe()
      for (const [, member] of members) member.cancel()
    },
  }
}
