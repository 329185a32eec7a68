import type { IncomingMessage } from 'node:http'
import { closeGently, headerList, responseHead, type StreamingTarget } from '@skiff/client'
import { type Env, Refusal } from '@skiff/machinery'
import { askBackend, type Carry } from './backend.ts'
import { splice } from './splice.ts'

/** A bearer token may travel as a WebSocket protocol, since browsers set no other header. It is for us alone. */
const tokenPrefix = 'base64url.bearer.authorization.k8s.io.'

/** What a runtime needs of the client's request. Everything else (credentials, cookies, impersonation) stays here. */
const passed = new Set(['connection', 'upgrade', 'x-stream-protocol-version', 'user-agent', 'sec-websocket-key', 'sec-websocket-version'])

const headersFor = (request: IncomingMessage): string[] => {
  const headers: string[] = []
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name, value] = [request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']
    if (passed.has(name.toLowerCase())) headers.push(name, value)
  }
  const protocols = headerList(request, 'sec-websocket-protocol').filter((name) => !name.startsWith(tokenPrefix))
  if (protocols.length > 0) headers.push('Sec-WebSocket-Protocol', protocols.join(', '))
  return headers
}

const pairs = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? ''])

/** Framing of the answer that we have undone by reading its body. */
const framing = new Set(['transfer-encoding', 'content-length', 'connection'])

/** Asks `target` for the upgrade; its answer goes to the client as it is, then all bytes both ways. */
export const spliceTo = async (
  target: StreamingTarget,
  method: string,
  headers: readonly string[],
  env: Env,
  signal?: AbortSignal,
): Promise<Carry> => {
  const answer = await askBackend(target, method, headers, signal)
  const code = answer.response.statusCode ?? 500
  if (!answer.upgraded && code < 400) throw new Refusal(500, '', `invalid upgrade response: status code ${code}`)
  return async ({ socket, head }) => {
    const answered = pairs(answer.response.rawHeaders)
    if (!answer.upgraded) {
      const kept = answered.filter(([name]) => !framing.has(name.toLowerCase()))
      socket.write(responseHead(code, [...kept, ['Content-Length', String(answer.body.length)], ['Connection', 'close']]))
      socket.write(answer.body)
      closeGently(socket, env)
      return
    }
    socket.write(responseHead(code, answered))
    socket.write(answer.head)
    answer.socket.write(head)
    await splice(socket, answer.socket, env)
  }
}

/** For protocols that the runtime speaks itself. */
export const openSplice = (request: IncomingMessage, target: StreamingTarget, env: Env, signal?: AbortSignal): Promise<Carry> =>
  spliceTo(target, request.method ?? 'GET', headersFor(request), env, signal)
