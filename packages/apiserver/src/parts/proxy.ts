import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import type { Kind, Node, Pod, Service } from '@skiff/api'
import type { Call } from '@skiff/client'
import { badRequest, notFound, serviceUnavailable } from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { readyEndpoints, slicesOf } from '../registry/service-endpoints.ts'
import { find } from '../registry/tree.ts'
import { namedOf, type Request, type Rest } from '../rest/context.ts'
import { openProxyUpgrade, type ProxyTarget, proxyHttp } from '../streaming/proxy-http.ts'
import type { NodeConnection, NodeDirectory } from './node-directory.ts'

/** Where a proxied request goes, and which node's connection leads there. */
interface Way {
  readonly host: string
  readonly port: number
  readonly connection: NodeConnection | undefined
}

interface Asked {
  readonly scheme: string
  readonly name: string
  readonly port: string
}

/** `name`, `name:port`, `scheme:name:port`: how a proxied name is written. */
const askedOf = (kind: Kind, text: string): Asked => {
  const parts = text.split(':')
  const [scheme = '', name = '', port = ''] = parts.length < 3 ? ['', ...parts] : parts
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme))
    throw badRequest(`invalid ${kind.singular} request ${JSON.stringify(text)}`)
  return { scheme: scheme || 'http', name, port }
}

const portNumber = (text: string): number | undefined =>
  /^\d+$/.test(text) && Number(text) > 0 && Number(text) < 65536 ? Number(text) : undefined

/** What stands in the URL behind `/proxy`, with its escapes. */
const rawPath = ({ http, path }: Call): string => {
  // The first segment of that name behind the object's name: a namespace or an object may be called proxy as well.
  const url = http?.incoming.url?.split('?')[0]?.split('/') ?? []
  const skipped = url[1] === 'api' ? 3 : 4
  const base = skipped + (url[skipped] === 'namespaces' && url.length > skipped + 3 && url[skipped + 2] !== 'proxy' ? 4 : 2)
  return url[base] === 'proxy' ? url.slice(base + 1).reduce((text, part) => `${text}/${part}`, '') : (path ?? '')
}

/** A `/proxy` subresource: finds the backend, then passes the request on as it came. */
const proxyPart =
  (wayTo: (rest: Rest, request: Request, asked: Asked) => Promise<Way>): Part =>
  async ({ rest }, request) => {
    const { call } = request
    const incoming = call.http?.incoming
    if (!incoming) throw badRequest('proxies are only reached over HTTP')
    const asked = askedOf(request.kind, call.name ?? '')
    const way = await wayTo(rest, request, asked)
    const { connection, host, port } = way
    if (!connection) throw serviceUnavailable(`error trying to reach service: no node leads to ${host}:${port}`)
    const dial = async (): Promise<Duplex> => {
      const socket = await connection.dial(host, port)
      // Backends present certificates of their own making; upstream does not check them either.
      return asked.scheme === 'https' ? tlsConnect({ socket, rejectUnauthorized: false }) : socket
    }
    const target: ProxyTarget = { dial, host: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, path: rawPath(call) }
    const outgoing = call.http?.outgoing
    if (outgoing) {
      await proxyHttp(incoming, outgoing, target)
      return { written: true }
    }
    const bridge = await openProxyUpgrade(incoming, target, rest.env, call.signal)
    return {
      upgrade: (socket, head) =>
        void bridge.upgrade(socket, head).catch((error) => rest.env.log.debug('a proxied connection ended', { error: String(error) })),
    }
  }

const objectOf = async <T>(rest: Rest, { kind, call }: Request, name: string): Promise<T> => {
  const cache = await rest.storage.cache(kind)
  const found = find(cache.tree, kind.namespaced ? `${call.namespace}/${name}` : name)?.object
  if (!found) throw notFound(namedOf(kind), name)
  return found as T
}

export const podProxy = (nodes: NodeDirectory): Part =>
  proxyPart(async (rest, request, { name, port }) => {
    const pod = await objectOf<Pod>(rest, request, name)
    const host = pod.status?.podIP
    if (!host) throw badRequest('address not allowed')
    const ports = pod.spec.containers.flatMap((container) => container.ports ?? [])
    const chosen =
      port === '' ? (ports[0]?.containerPort ?? 80) : (portNumber(port) ?? ports.find((each) => each.name === port)?.containerPort)
    if (chosen === undefined) throw badRequest(`pod ${JSON.stringify(name)} has no port ${JSON.stringify(port)}`)
    return { host, port: chosen, connection: nodes.connection(pod.spec.nodeName ?? '') }
  })

export const nodeProxy = (nodes: NodeDirectory): Part =>
  proxyPart(async (rest, request, { name, port }) => {
    const node = await objectOf<Node>(rest, request, name)
    const addresses = node.status?.addresses ?? []
    const host = (addresses.find((each) => each.type === 'InternalIP') ?? addresses[0])?.address
    if (!host) throw badRequest(`node ${JSON.stringify(name)} has no address`)
    const agentPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port || 10250
    return { host, port: port === '' ? agentPort : (portNumber(port) ?? agentPort), connection: nodes.connection(name) }
  })

export const serviceProxy = (nodes: NodeDirectory): Part =>
  proxyPart(async (rest, request, { name, port }) => {
    const service = await objectOf<Service>(rest, request, name)
    const ports = service.spec.ports ?? []
    const number = portNumber(port)
    const wanted = ports.find((each) => (number === undefined ? (each.name ?? '') === port : each.port === number))
    if (!wanted && number !== undefined) throw serviceUnavailable(`no service port ${number} found for service ${JSON.stringify(name)}`)
    const slices = await slicesOf(rest, request.call.namespace ?? '', name)
    const ways = wanted ? readyEndpoints(slices, wanted.name ?? '') : []
    const way = ways[Math.floor(rest.env.random() * ways.length)]
    // Upstream names what was asked for where there are endpoints, but none of that port.
    const none = slices.some(({ endpoints }) => (endpoints ?? []).length > 0) ? (request.call.name ?? '') : name
    if (!way) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(none)}`)
    return { host: way.host, port: way.port, connection: nodes.connection(way.nodeName ?? '') }
  })
