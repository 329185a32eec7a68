import type { Lease, Node } from '@skiff/api'
import { lease as leases } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, isRefusal, rfc3339Micro } from '@skiff/machinery'

const namespace = 'kube-node-lease'
const leaseDurationSeconds = 40
const renewMs = 10_000
const retryMs = 2_000

/** Renews the node's lease, its heartbeat, until `signal` aborts. */
export const keepLease = async (client: Client, env: Env, node: Node, signal: AbortSignal): Promise<void> => {
  const { name } = node.metadata
  let held: Lease | undefined
  const renew = async (): Promise<void> => {
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime: rfc3339Micro(env.now()) }
    if (held) {
      held = await client.update(leases, { ...held, spec: { ...held.spec, ...spec } })
      return
    }
    try {
      held = await client.get(leases, { namespace, name })
    } catch (error) {
      if (!isRefusal(error, 404)) throw error
      const owner = { apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }
      held = await client.create(leases, { metadata: { name, namespace, ownerReferences: [owner] }, spec })
      return
    }
    await renew()
  }
  while (!signal.aborted) {
    try {
      await renew()
      await env.sleep(renewMs, signal)
    } catch (error) {
      // Whatever it was, the object in hand may be stale.
      held = undefined
      if (!signal.aborted && !isRefusal(error, 409)) env.log.warn('the lease of this node was not renewed', { error: String(error) })
      await env.sleep(isRefusal(error, 409) ? 0 : retryMs, signal)
    }
  }
}
