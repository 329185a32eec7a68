import { type AddressInfo, createServer, type Server } from 'node:net'
import { openPortForward, type PortForwardClient } from '@skiff/client'
import { klogHead } from '../klog.ts'
import { type Dynamic, listAt, textAt } from '../objects/fields.ts'
import { readResourceWords } from '../objects/select.ts'
import { podOf } from '../pods/find-pod.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

interface PortPair {
  readonly local: number
  readonly remote: number
}

export const portForward: Verb = {
  usage: 'TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  flags: ['address:list=localhost', 'pod-running-timeout:duration=1m0s'],
  run: async ({ session, flags, args }) => {
    const [word, ...ports] = args
    if (word === undefined || ports.length === 0)
      throw new UsageError("TYPE/NAME and list of ports are required for port-forward\nSee 'kubectl port-forward -h' for help and examples")
    const pod = await podOf(session, word)
    const service = await serviceOf(session, word)
    const pairs = ports.map((text) => pairOf(text, pod, service))
    if (textAt(pod, 'status.phase') !== 'Running')
      throw new UsageError(`unable to forward port because pod is not running. Current status=${textAt(pod, 'status.phase')}`)
    const { http } = await session.connect()
    const tunnel = await openPortForward({
      connect: http.webSockets,
      namespace: pod.metadata.namespace ?? '',
      pod: pod.metadata.name,
      env: session.env,
    })
    const servers: Server[] = []
    try {
      const signal = session.interrupted()
      const interrupted = new Promise<boolean>((resolve) => signal?.addEventListener('abort', () => resolve(false)))
      // Like kubectl's, a session ends when the node refuses one of its connections.
      const refused = Promise.withResolvers<boolean>()
      const forwarding = { session, tunnel, lost: () => refused.resolve(true) }
      for (const pair of pairs) servers.push(...(await listenEverywhere(forwarding, pair, flags.list('address'))))
      const shown = pairs.map(({ local, remote }) => `{${local} ${remote}}`).join(' ')
      if (servers.length === 0) throw new UsageError(`unable to listen on any of the requested ports: [${shown}]`)
      if (await Promise.race([tunnel.closed.then(() => true), refused.promise, interrupted])) throw new UsageError('lost connection to pod')
    } finally {
      for (const server of servers) server.close()
      tunnel.close()
    }
    return 0
  },
}

const serviceOf = async (session: Session, word: string): Promise<Dynamic | undefined> => {
  if (!word.includes('/')) return undefined
  const [named] = await readResourceWords(session, [word])
  if (named?.resource.kind !== 'Service') return undefined
  const { client, namespace } = await session.connect()
  return (await client.get(named.resource, { namespace, name: named.names[0] as string })) as Dynamic
}

const pairOf = (text: string, pod: Dynamic, service: Dynamic | undefined): PortPair => {
  const parts = text.split(':')
  // kubectl takes a word with more than one colon as its first part alone.
  const [local = '', remote = local] = parts.length === 2 ? parts : parts.slice(0, 1)
  const port = service ? targetPort(service, pod, remote) : portNumber(pod, remote)
  const named = !/^-?\d+$/.test(remote)
  const here = local === '' ? 0 : parts.length !== 2 && named ? port : Number(local)
  if (!isPort(here))
    throw new UsageError(`error parsing local port '${local}': strconv.ParseUint: parsing ${JSON.stringify(local)}: ${wrong(local)}`)
  if (!isPort(port))
    throw new UsageError(`error parsing remote port '${remote}': strconv.ParseUint: parsing ${JSON.stringify(remote)}: ${wrong(remote)}`)
  if (port === 0) throw new UsageError('remote port must be > 0')
  return { remote: port, local: here }
}

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < 65_536
const wrong = (text: string): string => (/^\d+$/.test(text) ? 'value out of range' : 'invalid syntax')

/** The pod's port behind a service's. */
const targetPort = (service: Dynamic, pod: Dynamic, word: string): number => {
  const found = listAt(service, 'spec.ports').find(({ name, port }) => name === word || String(port) === word)
  if (!found) throw new UsageError(`Service ${service.metadata.name} does not have a service port ${word}`)
  return portNumber(pod, String(found.targetPort ?? found.port))
}

const portNumber = (pod: Dynamic, word: string): number => {
  if (/^-?\d+$/.test(word)) return Number(word)
  const found = listAt(pod, 'spec.containers')
    .flatMap((each) => listAt(each, 'ports'))
    .find(({ name }) => name === word)
  if (!found) throw new UsageError(`Pod '${pod.metadata.name}' does not have a named port '${word}'`)
  return Number(found.containerPort)
}

/** Where a verb's sockets go, and what it does when the node refuses one. */
interface Forwarding {
  readonly session: Session
  readonly tunnel: PortForwardClient
  lost(): void
}

/** Listens for a pair on all addresses. A free port that the first address was given is taken on the others too. */
const listenEverywhere = async (forwarding: Forwarding, pair: PortPair, addresses: readonly string[]): Promise<Server[]> => {
  const servers: Server[] = []
  let { local } = pair
  for (const address of addresses) {
    const failures: string[] = []
    const before = servers.length
    for (const each of address === 'localhost' ? ['127.0.0.1', '::1'] : [address]) {
      const server = await listen(forwarding, { ...pair, local }, each).catch((error: Error) => {
        failures.push(`unable to create listener: Error listen ${error.message}`)
      })
      if (!server) continue
      local ||= (server.address() as AddressInfo).port
      servers.push(server)
    }
    // Of localhost one family is enough.
    if (servers.length === before)
      forwarding.session.complain(
        `Unable to listen on port ${local}: Listeners failed to create with the following errors: [${failures.join(' ')}]`,
      )
  }
  return servers
}

const listen = ({ session, tunnel, lost }: Forwarding, { local, remote }: PortPair, address: string): Promise<Server> =>
  new Promise((resolve, reject) => {
    // A client may end its sending and still read what comes.
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      const { port } = server.address() as AddressInfo
      session.say(`Handling connection for ${port}`)
      socket.on('error', () => {})
      const said = await tunnel.carry(socket, remote).catch(() => '') // who went away in the middle is nobody's error
      if (said === '') return
      const text = JSON.stringify(`an error occurred forwarding ${port} -> ${remote}: ${said}`)
      session.complain(`${klogHead('E', session.env)} portforward.go:424] "Unhandled Error" err=${text}`)
      lost()
    })
    const isV6 = address.includes(':')
    const shown = isV6 ? `[${address}]` : address
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(`tcp${isV6 ? 6 : 4} ${shown}:${local}: bind: ${listenErrors[error.code ?? ''] ?? error.message}`)),
    )
    server.listen(local, address, () => {
      session.say(`Forwarding from ${shown}:${(server.address() as AddressInfo).port} -> ${remote}`)
      resolve(server)
    })
  })

const listenErrors: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
}
