import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { isIP, connect as netConnect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import type { WebhookClientConfig } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { dialFault, serverFault } from './fault-text.ts'

/** Where a webhook listens: WebhookClientConfig of admission and of conversion. */
export type WebhookAddress = WebhookClientConfig

/** Finds a connection to a Service; throws an Error with upstream's text where none leads there. */
export type DialService = (namespace: string, name: string, port: number) => Promise<Duplex>

/** Why a webhook gave no answer, in the words of upstream's client: `failed to call webhook: Post "https://…": …`. */
export class WebhookFault extends Error {}

export interface WebhookCall {
  readonly address: WebhookAddress
  /** JSON. */
  readonly body: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** Posts JSON to webhooks and reads JSON from them. Throws a WebhookFault. */
export interface WebhookClient {
  post(call: WebhookCall): Promise<unknown>
  close(): void
}

/** No review is longer by far; what is would fill the server's memory. */
const maxAnswerBytes = 16 * 1024 * 1024
/** Connections are kept per webhook, and forgotten with the least lately used one. */
const maxAgents = 64

interface Place {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly service: { readonly namespace: string; readonly name: string } | undefined
}

const placeOf = ({ url, service }: WebhookAddress): Place => {
  if (service) {
    const { namespace, name, port = 443, path = '/' } = service
    return { host: `${name}.${namespace}.svc`, port, path: path.startsWith('/') ? path : `/${path}`, service: { namespace, name } }
  }
  const parsed = new URL(url ?? '')
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port || 443), path: parsed.pathname, service: undefined }
}

export const createWebhookClient = (dialService: DialService, env: Env): WebhookClient => {
  const agents = new Map<string, Agent>()
  const agentOf = (place: Place, address: WebhookAddress): Agent => {
    const key = JSON.stringify([place.host, place.port, place.service !== undefined, address.caBundle])
    const known = agents.get(key)
    agents.delete(key)
    const agent = known ?? createAgent(place, address.caBundle, dialService)
    agents.set(key, agent)
    const [eldest] = agents.keys()
    if (agents.size > maxAgents && eldest !== undefined) {
      agents.get(eldest)?.destroy()
      agents.delete(eldest)
    }
    return agent
  }
  return {
    post: async ({ address, body, timeoutMs, signal }) => {
      const place = placeOf(address)
      const url = `https://${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}${place.path}?timeout=${Math.ceil(timeoutMs / 1000)}s`
      const shown = place.service ? url : url.replace(`:${place.port}/`, new URL(address.url ?? '').port ? `:${place.port}/` : '/')
      const deadline = new AbortController()
      const cancel = env.after(timeoutMs, () => deadline.abort())
      const stop = () => deadline.abort()
      signal?.addEventListener('abort', stop, { once: true })
      try {
        return await exchange(agentOf(place, address), place, url, body, deadline.signal)
      } catch (error) {
        if (error instanceof WebhookFault) throw error
        const text = deadline.signal.aborted ? 'context deadline exceeded' : dialFault(error as NodeJS.ErrnoException, place)
        throw new WebhookFault(`Post ${JSON.stringify(shown)}: ${text}`)
      } finally {
        cancel()
        signal?.removeEventListener('abort', stop)
      }
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy()
      agents.clear()
    },
  }
}

/** Connections to one webhook: its certificate is checked against the bundle, under the Service's name in the cluster. */
const createAgent = (place: Place, caBundle: string | undefined, dialService: DialService): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 })
  const ca = caBundle ? Buffer.from(caBundle, 'base64').toString() : undefined
  const open = async (): Promise<Duplex> =>
    place.service
      ? dialService(place.service.namespace, place.service.name, place.port)
      : netConnect({ host: place.host, port: place.port })
  const secure = (socket: Duplex): Duplex =>
    tlsConnect({
      socket,
      ...(ca ? { ca } : {}),
      host: place.host,
      ...(isIP(place.host) ? {} : { servername: place.host }),
      ALPNProtocols: ['http/1.1'],
    })
  const dialing = agent as unknown as { createConnection: (options: unknown, done: (error: Error | null, socket?: Duplex) => void) => void }
  dialing.createConnection = (_options, done) => {
    open().then(
      (socket) => {
        const tls = secure(socket)
        // What fails below the encryption fails the request.
        socket.on('error', (error) => tls.destroy(error))
        done(null, tls)
      },
      (error: Error) => done(error),
    )
  }
  return agent
}

const exchange = (agent: Agent, place: Place, url: string, body: string, signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body) }
    const { pathname, search } = new URL(url)
    const sent = request({ agent, method: 'POST', host: place.host, port: place.port, path: `${pathname}${search}`, headers, signal })
    sent.on('error', reject)
    sent.on('response', (answer) => readAnswer(answer).then(resolve, reject))
    sent.end(body)
  })

const readAnswer = async (answer: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswerBytes) {
      answer.destroy()
      throw new WebhookFault(`the webhook's answer is longer than ${maxAnswerBytes} bytes`)
    }
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString()
  const status = answer.statusCode ?? 500
  if (status < 200 || status > 299) throw new WebhookFault(serverFault(status, text))
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new WebhookFault(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
}
