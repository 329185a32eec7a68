import { connect } from 'node:net'
import type { Kind, Service } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import type { NodeDirectory } from '../parts/node-directory.ts'
import type { Registry } from '../registry/registry.ts'
import { readyEndpoints, slicesOf } from '../registry/service-endpoints.ts'
import type { Storage } from '../registry/storage.ts'
import { find } from '../registry/tree.ts'
import type { DialService } from './client.ts'

export interface DialSources {
  readonly registry: Registry
  readonly storage: Storage
  readonly nodes: NodeDirectory
  readonly env: Env
}

/**
 * Connections to Services from outside the service network: to a ready endpoint, by the connection of its node, or straight where no node
 * is named.
 */
export const serviceDialer = ({ registry, storage, nodes, env }: DialSources): DialService => {
  return async (namespace, name, port) => {
    const service = find((await storage.cache(registry.find('', 'v1', 'services') as Kind)).tree, `${namespace}/${name}`)?.object as
      | Service
      | undefined
    if (!service) throw new Error(`service ${JSON.stringify(name)} not found`)
    if (service.spec.type === 'ExternalName' && service.spec.externalName) return connect({ host: service.spec.externalName, port })
    const wanted = service.spec.ports?.find((each) => each.port === port)
    if (!wanted) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`)
    const backends = readyEndpoints(await slicesOf({ registry, storage }, namespace, name), wanted.name ?? '')
    const backend = backends[Math.floor(env.random() * backends.length)]
    if (!backend) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`)
    const connection = backend.nodeName === undefined ? undefined : nodes.connection(backend.nodeName)
    return connection ? connection.dial(backend.host, backend.port) : connect({ host: backend.host, port: backend.port })
  }
}
