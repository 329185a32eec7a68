import { createServer, type Server } from 'node:net'
import { openPortForward, type PortForwardClient } from '@skiff/client'
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
      for (const pair of pairs)
        for (const address of flags.list('address').flatMap((each) => (each === 'localhost' ? ['127.0.0.1', '::1'] : [each])))
          servers.push(...(await listen(session, tunnel, pair, address)))
      if (servers.length === 0) throw new UsageError('unable to listen on any of the requested ports')
      const interrupted = new Promise<undefined>((resolve) => session.deps.signal?.addEventListener('abort', () => resolve(undefined)))
      const lost = await Promise.race([tunnel.closed.then((error) => error ?? new Error('lost connection to pod')), interrupted])
      if (lost) throw new UsageError('lost connection to pod')
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
  if (parts.length > 2) throw new UsageError(`invalid port format '${text}'`)
  const [local = '', remote = local] = parts
  const port = service ? targetPort(service, pod, remote) : portNumber(pod, remote)
  const named = !/^\d+$/.test(remote)
  return { remote: port, local: local === '' ? 0 : parts.length === 1 && named ? port : Number(local) }
}

/** The pod's port behind a service's. */
const targetPort = (service: Dynamic, pod: Dynamic, word: string): number => {
  const found = listAt(service, 'spec.ports').find(({ name, port }) => name === word || String(port) === word)
  if (!found) throw new UsageError(`Service ${service.metadata.name} does not have a service port ${word}`)
  return portNumber(pod, String(found.targetPort ?? found.port))
}

const portNumber = (pod: Dynamic, word: string): number => {
  if (/^\d+$/.test(word)) return Number(word)
  const found = listAt(pod, 'spec.containers')
    .flatMap((each) => listAt(each, 'ports'))
    .find(({ name }) => name === word)
  if (!found) throw new UsageError(`Pod '${pod.metadata.name}' does not have a named port '${word}'`)
  return Number(found.containerPort)
}

const listen = (session: Session, tunnel: PortForwardClient, { local, remote }: PortPair, address: string): Promise<Server[]> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      session.say(`Handling connection for ${(server.address() as { port: number }).port}`)
      socket.on('error', () => {})
      tunnel.carry(socket, remote).catch((error: Error) => session.complain(`E ${error.message}`))
    })
    server.once('error', (error) => {
      if (address !== '::1')
        session.complain(
          `Unable to listen on port ${local}: Listeners failed to create with the following errors: [unable to create listener: ${error.message}]`,
        )
      resolve([])
    })
    server.listen(local, address, () => {
      const shown = address.includes(':') ? `[${address}]` : address
      session.say(`Forwarding from ${shown}:${(server.address() as { port: number }).port} -> ${remote}`)
      resolve([server])
    })
  })
