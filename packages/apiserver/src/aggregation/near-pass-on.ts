import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type Call, encodeCall, type Handler, type Reply, refusalOf, valueReply, watchFrames } from '@skiff/client'
import { serviceUnavailable } from '@skiff/machinery'
import { type Authorizer, attributesOf, forbiddenBy } from '../authorize.ts'
import { methodNotAllowed } from '../rest/context.ts'
import { type Aggregator, type Remote, remoteHeaders } from './aggregator.ts'

/** Calls of components in this process reach the servers behind this one, too. */
export interface NearPassOn {
  /** The handler, before which calls for other servers are turned away. */
  around(handler: Handler): Handler
  /** Until then everything is served here. */
  follow(aggregator: Pick<Aggregator, 'has' | 'find'>): void
}

export const createNearPassOn = (authorize: Authorizer): NearPassOn => {
  let aggregator: Pick<Aggregator, 'has' | 'find'> | undefined
  return {
    follow: (one) => {
      aggregator = one
    },
    around: (handler) => (call) => {
      if (!aggregator?.has(call.group, call.version)) return handler(call)
      return send(authorize, aggregator.find(`/apis/${call.group}/${call.version}`), call)
    },
  }
}

const send = async (authorize: Authorizer, remote: Remote | undefined, call: Call): Promise<Reply> => {
  const attributes = attributesOf(call)
  const decision = authorize(attributes)
  if (!decision.allowed) throw forbiddenBy(attributes, decision)
  if (call.verb === 'connect') throw methodNotAllowed()
  if (!remote?.available) throw serviceUnavailable('the server is currently unable to handle the request')
  const incoming = await answerOf(remote, call)
  if (call.verb === 'watch' && incoming.statusCode === 200) return { watch: watchFrames(incoming, call.signal) }
  const reply = await valueReply(incoming)
  if (reply.status >= 400) throw refusalOf(reply.status, reply.contentType, reply.bytes as Buffer)
  return reply
}

/** One request under the front proxy's certificate, in the caller's name. */
const answerOf = async ({ backend }: Remote, call: Call): Promise<IncomingMessage> => {
  const { method, path, headers, body } = encodeCall(call)
  const connection = await backend.dial()
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      method,
      path,
      headers: { ...headers, ...remoteHeaders(call.identity), host: backend.host, connection: 'close' },
      createConnection: () => connection,
      ...(call.signal ? { signal: call.signal } : {}),
    })
    sent.on('response', resolve)
    sent.on('error', (error) => reject(serviceUnavailable(`error trying to reach service: ${error.message}`)))
    sent.on('close', () => connection.destroy())
    if (body === undefined || body instanceof Uint8Array) sent.end(body)
    else body.pipe(sent)
  })
}
