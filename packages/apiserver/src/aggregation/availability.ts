import type { Kind, Service } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { Registry } from '../registry/registry.ts'
import { readyEndpoints, slicesOf } from '../registry/service-endpoints.ts'
import type { Storage } from '../registry/storage.ts'
import { find } from '../registry/tree.ts'
import type { Backend } from './backend.ts'

/** Upstream's Available condition of an APIService, without its time. */
export interface Availability {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  /** What the backend said of its resources: APIResourceList as JSON. */
  readonly resources?: unknown
}

export interface AvailabilitySources {
  readonly registry: Registry
  readonly storage: Storage
  readonly env: Env
}

const checkTimeoutMs = 5000
const no = (reason: string, message: string): Availability => ({ status: 'False', reason, message })

/** Looks whether a backend can be reached and serves its group version. */
export const checkAvailability = async ({ registry, storage, env }: AvailabilitySources, backend: Backend): Promise<Availability> => {
  const { group = '', version = '', service } = backend.object.spec
  const { namespace = '', name = '', port = 443 } = service ?? {}
  const held = find((await storage.cache(registry.find('', 'v1', 'services') as Kind)).tree, `${namespace}/${name}`)?.object as
    | Service
    | undefined
  if (!held) return no('ServiceNotFound', `service/${name} in ${JSON.stringify(namespace)} is not present`)
  if (held.spec.type !== 'ExternalName') {
    const wanted = held.spec.ports?.find((each) => each.port === port)
    if (!wanted) return no('ServicePortError', `service/${name} in ${JSON.stringify(namespace)} is not listening on port ${port}`)
    const slices = await slicesOf({ registry, storage }, namespace, name)
    if (slices.length === 0)
      return no('EndpointsNotFound', `cannot find endpointslices for service/${name} in ${JSON.stringify(namespace)}`)
    if (readyEndpoints(slices, wanted.name ?? '').length === 0)
      return no(
        'MissingEndpoints',
        `endpoints for service/${name} in ${JSON.stringify(namespace)} have no addresses with port name ${JSON.stringify(wanted.name ?? '')}`,
      )
  }
  const path = `/apis/${group}/${version}`
  const url = `https://${backend.host}${path}`
  const deadline = new AbortController()
  const cancel = env.after(checkTimeoutMs, () => deadline.abort())
  try {
    const { status, body } = await backend.get(path, deadline.signal)
    if (status < 200 || status > 299)
      return no('FailedDiscoveryCheck', `failing or missing response from ${url}: bad status from ${url}: ${status}`)
    return { status: 'True', reason: 'Passed', message: 'all checks passed', resources: JSON.parse(body) as unknown }
  } catch (error) {
    return no('FailedDiscoveryCheck', `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${(error as Error).message}`)
  } finally {
    cancel()
  }
}
