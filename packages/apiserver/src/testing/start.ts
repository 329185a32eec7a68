import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Client, connect, type HttpOptions, type Identity, openHttp } from '@skiff/client'
import { type Env, isRefusal, systemEnv } from '@skiff/machinery'
import { openMemoryStore, type Store } from '@skiff/store'
import { noNodes } from '../parts/node-directory.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../server.ts'

export const administrator: Identity = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
/** The bearer token of `administrator` on every server made here. */
export const administratorToken = 'administrator-token'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The text as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any
}

export interface TestServer {
  readonly server: ApiServer
  readonly url: string
  /** The administrator within the process. */
  readonly near: Client
  /** A client over HTTPS; the administrator unless other credentials are given. */
  far(credentials?: Partial<HttpOptions>): Client
  /** One HTTPS request as the administrator, for what the clients hide: headers, media types, bodies as text. */
  raw(method: string, path: string, body?: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  close(): Promise<void>
}

export interface TestOptions {
  readonly store?: Store
  readonly env?: Env
  /** Kept by the caller; otherwise one is made and removed. */
  readonly pkiDir?: string
  readonly more?: Partial<ApiServerOptions>
}

/** For tests: a whole API server on a free port of the loopback address, over a memory store where none is given. */
export const startTestServer = async (options: TestOptions = {}): Promise<TestServer> => {
  const directory = options.pkiDir === undefined ? mkdtempSync(join(tmpdir(), 'skiff-apiserver-')) : undefined
  const store = options.store ?? openMemoryStore()
  const server = await startApiServer({
    store,
    env: options.env ?? systemEnv(),
    pkiDir: options.pkiDir ?? (directory as string),
    host: '127.0.0.1',
    port: 0,
    advertiseAddress: '127.0.0.1',
    serviceCidr: '10.96.0.0/16',
    nodes: noNodes,
    tokens: [(token) => (token === administratorToken ? { identity: administrator, untilMs: Number.POSITIVE_INFINITY } : undefined)],
    ...options.more,
  })
  const url = `https://127.0.0.1:${server.port}`
  const closers: (() => void)[] = []
  return {
    server,
    url,
    near: server.client(administrator),
    far: (credentials = { token: administratorToken }) => {
      const connection = openHttp({ server: url, ca: server.authorities.clients.cert, ...credentials })
      closers.push(connection.close)
      return connect(connection.handler, { name: 'decided by the credentials', groups: [] })
    },
    raw: (method, path, body, headers) => rawRequest(`${url}${path}`, method, body, headers),
    close: async () => {
      for (const close of closers) close()
      await server.close()
      if (!options.store) await store.close()
      if (directory) rmSync(directory, { recursive: true, force: true })
    },
  }
}

const rawRequest = async (
  url: string,
  method: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => {
  const outgoing = httpsRequest(url, {
    method,
    agent: false,
    rejectUnauthorized: false,
    headers: {
      authorization: `Bearer ${administratorToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      // Of a DELETE's body, Node tells neither length nor chunks.
      ...(body !== undefined && method === 'DELETE' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
      ...headers,
    },
  })
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const answer = await text(response)
  return {
    status: response.statusCode as number,
    headers: response.headers,
    text: answer,
    get body() {
      return JSON.parse(answer)
    },
  }
}

/** `409 AlreadyExists` of a call that is refused; 'accepted' of one that is not. */
export const refusal = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call
    return 'accepted'
  } catch (error) {
    if (!isRefusal(error)) throw error
    return `${error.code} ${error.reason}`
  }
}
