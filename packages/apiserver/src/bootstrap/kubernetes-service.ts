import { type EndpointSlice, type Endpoints, endpointSlice, endpoints, type Resource, type Service, service } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, ipFamilyOf, isRefusal, type Json, type KubeObject, sameJson } from '@skiff/machinery'
import type { ServerLeases } from './server-leases.ts'

export interface KubernetesServiceOptions {
  readonly client: Client
  /** The first of the service range, which is always that of the API server. */
  readonly clusterIP: string
  /** Where servers listen: all at one port. */
  readonly port: number
  readonly leases: ServerLeases
  readonly env: Env
}

const where = { namespace: 'default', name: 'kubernetes' }
const intervalMs = 10_000

/**
 * Keeps the Service `kubernetes` in `default`, its Endpoints and its slice: at the addresses of all servers that live, made again
 * when somebody deletes them. Resolves when they are there.
 */
export const keepKubernetesService = async (options: KubernetesServiceOptions): Promise<{ stop(): Promise<void> }> => {
  const { leases, env } = options
  const stopping = new AbortController()
  const look = async (): Promise<void> => {
    await keepService(options)
    await keepEndpoints(options, await leases.addresses())
  }
  await look()
  const loop = (async () => {
    for (;;) {
      await env.sleep(intervalMs, stopping.signal)
      if (stopping.signal.aborted) return
      await look().catch((error: unknown) => env.log.warn('the service kubernetes could not be kept', { error: String(error) }))
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await loop
      try {
        const left = await leases.end()
        // Of a cluster without any server nobody reads the endpoints, and the next one sets them.
        if (left.length > 0) await keepEndpoints(options, left)
      } catch (error) {
        env.log.warn('the address of this server stays in the endpoints of kubernetes', { error: String(error) })
      }
    },
  }
}

const found = async <T extends KubeObject>(client: Client, resource: Resource<T>): Promise<T | undefined> => {
  try {
    return await client.get(resource, where)
  } catch (error) {
    if (isRefusal(error, 404)) return undefined
    throw error
  }
}

const keepService = async ({ client, clusterIP, port }: KubernetesServiceOptions): Promise<void> => {
  const ports = [{ name: 'https', port: 443, protocol: 'TCP' as const, targetPort: port }]
  const held = await found(client, service)
  if (!held) {
    const spec: Service['spec'] = { clusterIP, type: 'ClusterIP', sessionAffinity: 'None', ipFamilyPolicy: 'SingleStack', ports }
    const labels = { component: 'apiserver', provider: 'kubernetes' }
    await tolerant(client.create(service, { metadata: { ...where, labels }, spec }))
  } else if (held.spec.type !== 'ClusterIP' || !sameJson(held.spec.ports as unknown as Json, ports))
    await tolerant(client.update(service, { ...held, spec: { ...held.spec, type: 'ClusterIP', ports } }))
}

/** What another server wrote first is looked at again in the next round. */
const tolerant = async (write: Promise<unknown>): Promise<void> => {
  try {
    await write
  } catch (error) {
    if (!isRefusal(error, 409)) throw error
  }
}

const keepEndpoints = async ({ client, port }: KubernetesServiceOptions, addresses: readonly string[]): Promise<void> => {
  const ports = [{ name: 'https', port, protocol: 'TCP' as const }]
  const subsets: Endpoints['subsets'] = [{ addresses: addresses.map((ip) => ({ ip })), ports }]
  const legacy = await found(client, endpoints)
  const legacyLabels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
  if (!legacy) await tolerant(client.create(endpoints, { metadata: { ...where, labels: legacyLabels }, subsets }))
  else if (!sameJson(legacy.subsets as unknown as Json, subsets as unknown as Json))
    await tolerant(client.update(endpoints, { ...legacy, metadata: withLabels(legacy, legacyLabels), subsets }))

  const addressType: EndpointSlice['addressType'] = ipFamilyOf(addresses[0] as string) === 6 ? 'IPv6' : 'IPv4'
  const members = addresses.map((address) => ({ addresses: [address], conditions: { ready: true } }))
  const labels = { 'kubernetes.io/service-name': 'kubernetes' }
  const fresh = { metadata: { ...where, labels }, addressType, endpoints: members, ports }
  const held = await found(client, endpointSlice)
  if (held?.addressType === addressType) {
    const shown = { endpoints: held.endpoints, ports: held.ports, label: held.metadata.labels?.['kubernetes.io/service-name'] }
    const wanted = { endpoints: members, ports, label: 'kubernetes' }
    if (sameJson(shown as unknown as Json, wanted as unknown as Json)) return
    await tolerant(client.update(endpointSlice, { ...held, metadata: withLabels(held, labels), endpoints: members, ports }))
    return
  }
  // The family of a slice never changes.
  if (held) await client.remove(endpointSlice, where)
  await tolerant(client.create(endpointSlice, fresh))
}

const withLabels = <T extends KubeObject>({ metadata }: T, labels: Readonly<Record<string, string>>): T['metadata'] => ({
  ...metadata,
  labels: { ...metadata.labels, ...labels },
})
