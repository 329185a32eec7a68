import { endpointSlice, endpoints, service } from '@skiff/api'
import type { Client } from '@skiff/client'
import { ipBits, ipText, isRefusal } from '@skiff/machinery'

/** The first address of the service range, which is always that of the API server. */
export const kubernetesAddress = (serviceCidr: string): string => ipText(ipBits(serviceCidr.split('/')[0] as string) + 1n, 4)

export interface ApiEndpoint {
  readonly address: string
  readonly port: number
}

const tolerant = async (act: () => Promise<unknown>, codes: readonly number[]): Promise<boolean> => {
  try {
    await act()
    return true
  } catch (error) {
    if (codes.some((code) => isRefusal(error, code))) return false
    throw error
  }
}

/** Keeps the Service `kubernetes` in `default`, its Endpoints and its slice, at the address where this server listens. */
export const publishKubernetesService = async (client: Client, serviceCidr: string, endpoint: ApiEndpoint): Promise<void> => {
  const clusterIP = kubernetesAddress(serviceCidr)
  // Asked first: its address is its own already, and would be refused to a second one.
  const exists = await tolerant(() => client.get(service, { namespace: 'default', name: 'kubernetes' }), [404])
  if (!exists)
    await client.create(service, {
      metadata: { name: 'kubernetes', namespace: 'default', labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: {
        clusterIP,
        clusterIPs: [clusterIP],
        type: 'ClusterIP',
        sessionAffinity: 'None',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: [{ name: 'https', port: 443, protocol: 'TCP' as const, targetPort: endpoint.port }],
      },
    })
  const subsets = [{ addresses: [{ ip: endpoint.address }], ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' as const }] }]
  const legacy = {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets,
  }
  if (!(await tolerant(() => client.create(endpoints, legacy), [409])))
    await client.patch(endpoints, { namespace: 'default', name: 'kubernetes' }, 'merge', { subsets })
  const slice = {
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4' as const,
    endpoints: [{ addresses: [endpoint.address], conditions: { ready: true } }],
    ports: [{ name: 'https', port: endpoint.port, protocol: 'TCP' as const }],
  }
  if (!(await tolerant(() => client.create(endpointSlice, slice), [409])))
    await client.patch(endpointSlice, { namespace: 'default', name: 'kubernetes' }, 'merge', {
      endpoints: slice.endpoints,
      ports: slice.ports,
    })
}
