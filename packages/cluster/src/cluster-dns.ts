import { service } from '@skiff/api'
import type { Client } from '@skiff/client'
import { isRefusal, type Log } from '@skiff/machinery'

/**
 * The Service by which users and tools find cluster DNS, as upstream's addon has it. It selects nothing: each node answers the
 * address itself, and its rules leave it alone. One that a user made under this name is left as it is.
 */
export const publishDnsService = async (client: Client, clusterIP: string, log: Log): Promise<void> => {
  // Asked first: its address is its own already, and would be refused to a second one.
  const held = await client.get(service, { namespace: 'kube-system', name: 'kube-dns' }).catch(() => undefined)
  if (held) return
  try {
    await client.create(service, {
      metadata: {
        name: 'kube-dns',
        namespace: 'kube-system',
        labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
      },
      spec: {
        clusterIP,
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
          { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
        ],
      },
    })
  } catch (error) {
    // 422: an older cluster may have given the address to another Service; DNS answers there all the same.
    if (!isRefusal(error, 422)) throw error
    log.warn('the Service kube-dns could not be made', { error: String(error) })
  }
}
