import { keyOf } from '@skiff/machinery'
import type { Endpoint, EndpointPort, EndpointSliceObject, ServiceObject, ServiceSpec } from './objects.ts'
import type { Watched } from './watched.ts'

/** Builders for tests: the smallest objects that stand for something. */
export const service = (key: string, spec: ServiceSpec, more: Partial<ServiceObject> = {}): ServiceObject => {
  const [namespace, name = ''] = key.split('/')
  return { metadata: { namespace, name, ...more.metadata }, spec, ...(more.status && { status: more.status }) }
}

/** A slice of service `key`; an endpoint may be given by its address alone, which is then ready. */
export const slice = (
  key: string,
  endpoints: readonly (string | Endpoint)[],
  ports: readonly EndpointPort[] = [{ port: 8080 }],
  suffix = 'a',
): EndpointSliceObject => {
  const [namespace, name = ''] = key.split('/')
  const all = endpoints.map((one) => (typeof one === 'string' ? { addresses: [one] } : one))
  const addressType = all[0]?.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4'
  return {
    metadata: { namespace, name: `${name}-${suffix}`, labels: { 'kubernetes.io/service-name': name } },
    addressType,
    endpoints: all,
    ports,
  }
}

type Named = { readonly metadata: { readonly namespace?: string; readonly name: string } }

/** A source that a test writes to. */
export const watchedMap = <T extends Named>(...objects: readonly T[]): Watched<T> & { put(object: T): void; remove(key: string): void } => {
  const all = new Map(objects.map((object) => [keyOf(object), object]))
  const listeners = new Set<(change: { key: string }) => void>()
  const tell = (key: string) => {
    for (const listener of listeners) listener({ key })
  }
  return {
    list: () => all.values(),
    get: (key) => all.get(key),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    put(object) {
      all.set(keyOf(object), object)
      tell(keyOf(object))
    },
    remove(key) {
      all.delete(key)
      tell(key)
    },
  }
}
