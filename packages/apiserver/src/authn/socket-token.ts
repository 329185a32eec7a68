import type { IncomingMessage } from 'node:http'
import { unauthorized } from '@skiff/machinery'

const tokenPrefix = 'base64url.bearer.authorization.k8s.io.'
const strict = new TextDecoder('utf-8', { fatal: true })

/**
 * A bearer token that travels as a protocol of a WebSocket, since browsers set no other header, as if it had come in its own header. It
 * must not be the only protocol: a server that knows nothing of it would answer with it.
 */
export const adoptSocketToken = ({ headers }: IncomingMessage): void => {
  const offered = headers['sec-websocket-protocol']
  if (headers.authorization !== undefined || !offered?.includes(tokenPrefix)) return
  const protocols = offered.split(',').map((name) => name.trim())
  const tokens = protocols.filter((name) => name.startsWith(tokenPrefix))
  const others = protocols.filter((name) => !name.startsWith(tokenPrefix))
  if (tokens.length !== 1 || others.length === 0) throw unauthorized()
  headers.authorization = `Bearer ${decoded((tokens[0] as string).slice(tokenPrefix.length))}`
  headers['sec-websocket-protocol'] = others.join(', ')
}

const decoded = (text: string): string => {
  if (!/^[\w-]+$/.test(text)) throw unauthorized()
  try {
    return strict.decode(Buffer.from(text, 'base64url'))
  } catch {
    throw unauthorized()
  }
}
