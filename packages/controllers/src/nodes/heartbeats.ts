import type { Lease, Node } from '@skiff/api'

/** Of one node: the last sign of life that was seen, on our own clock. Clocks of nodes are never compared with ours. */
interface Seen {
  readonly uid: string
  readonly heartbeat: string
  readonly renewal: string
  readonly atMs: number
}

/** Remembers when each node last gave a sign: a renewed lease or a status posted. */
export interface Heartbeats {
  /** True when the node was not known before. */
  node(node: Node, nowMs: number): boolean
  lease(lease: Lease, nowMs: number): void
  forget(name: string): void
  /** Undefined for a node never seen. */
  lastMs(name: string): number | undefined
}

export const createHeartbeats = (): Heartbeats => {
  const all = new Map<string, Seen>()
  const renewals = new Map<string, string>()
  return {
    node: (node, nowMs) => {
      const { name, uid } = node.metadata
      const heartbeat = node.status?.conditions?.find((one) => one.type === 'Ready')?.lastHeartbeatTime ?? ''
      const held = all.get(name)
      if (held?.uid === uid && held.heartbeat === heartbeat) return false
      all.set(name, { uid, heartbeat, renewal: renewals.get(name) ?? '', atMs: nowMs })
      return held?.uid !== uid
    },
    lease: (lease, nowMs) => {
      const { name } = lease.metadata
      const renewal = lease.spec.renewTime ?? ''
      renewals.set(name, renewal)
      const held = all.get(name)
      if (held && held.renewal !== renewal) all.set(name, { ...held, renewal, atMs: nowMs })
    },
    forget: (name) => {
      all.delete(name)
      renewals.delete(name)
    },
    lastMs: (name) => all.get(name)?.atMs,
  }
}
