import type { EndpointSlice, Kind } from '@skiff/api'
import type { Registry } from './registry.ts'
import type { Storage } from './storage.ts'
import { entriesOf } from './tree.ts'

/** Where a port of a Service is served. */
export interface ServiceEndpoint {
  readonly host: string
  readonly port: number
  readonly nodeName: string | undefined
}

/** The EndpointSlices of a Service. */
export const slicesOf = async (
  { registry, storage }: { readonly registry: Registry; readonly storage: Storage },
  namespace: string,
  service: string,
): Promise<readonly EndpointSlice[]> => {
  const cache = await storage.cache(registry.find('discovery.k8s.io', 'v1', 'endpointslices') as Kind)
  return [...entriesOf(cache.tree, `${namespace}/`)]
    .map((entry) => entry.object as EndpointSlice)
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)
}

/** The ready endpoints among slices, by the name of the service's port. */
export const readyEndpoints = (slices: readonly EndpointSlice[], portName: string): readonly ServiceEndpoint[] =>
  slices.flatMap((slice) => {
    const port = slice.ports?.find((each) => (each.name ?? '') === portName)?.port
    if (port === undefined) return []
    return (slice.endpoints ?? [])
      .filter((endpoint) => endpoint.conditions?.ready !== false)
      .map(({ addresses, nodeName }) => ({ host: addresses[0] as string, port, nodeName }))
  })
