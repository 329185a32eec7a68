import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { gzip } from 'node:zlib'
import type { StreamReply, ValueReply } from '@skiff/client'
import type { FailureStatus, Log } from '@skiff/machinery'
import { internalError, isRefusal, Refusal } from '@skiff/machinery'
import { prefersProtobuf } from '../represent/accept.ts'
import { protobufValue } from '../represent/protobuf.ts'
import type { ServedFrame } from '../watch/session.ts'

export type Incoming = IncomingMessage | Http2ServerRequest
export type Outgoing = ServerResponse | Http2ServerResponse

const gzipFrom = 128 * 1024

/** A Warning header's text, with what HTTP does not carry taken out. */
const warningHeader = (text: string): string =>
  `299 - "${text
    .replace(/[\r\n]/g, ' ')
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')}"`

export const writeValue = (incoming: Incoming, outgoing: Outgoing, reply: ValueReply): void => {
  const { status, bytes, contentType = 'application/json', warnings, headers } = reply
  const fields: Record<string, string | string[] | number> = { 'content-type': contentType, 'cache-control': 'no-cache, private' }
  if (warnings && warnings.length > 0) fields.warning = warnings.map(warningHeader)
  if (headers) Object.assign(fields, headers)
  const parts: readonly Uint8Array[] =
    bytes === undefined ? [] : Array.isArray(bytes) ? (bytes as readonly Uint8Array[]) : [bytes as Uint8Array]
  let length = 0
  for (const part of parts) length += part.length
  if (length > gzipFrom && fields['content-encoding'] === undefined && acceptsGzip(incoming)) {
    writeGzip(outgoing, status, fields, parts)
    return
  }
  fields['content-length'] = length
  const out = outgoing as ServerResponse
  out.writeHead(status, fields)
  if (incoming.method === 'HEAD' || parts.length === 0) {
    out.end()
    return
  }
  if (parts.length > 1) {
    out.cork?.()
    for (let at = 0; at < parts.length - 1; at++) out.write(parts[at])
    out.end(parts[parts.length - 1])
    out.uncork?.()
  } else out.end(parts[0])
}

const acceptsGzip = (incoming: Incoming): boolean => /\bgzip\b/.test(String(incoming.headers['accept-encoding'] ?? ''))

const writeGzip = (
  outgoing: Outgoing,
  status: number,
  fields: Record<string, string | string[] | number>,
  parts: readonly Uint8Array[],
): void => {
  gzip(Buffer.concat(parts), { level: 4 }, (error, packed) => {
    const out = outgoing as ServerResponse
    if (error) return void out.destroy(error)
    out.writeHead(status, { ...fields, 'content-encoding': 'gzip', vary: 'Accept-Encoding', 'content-length': packed.length })
    out.end(packed)
  })
}

export const writeStatus = (incoming: Incoming, outgoing: Outgoing, status: FailureStatus): void => {
  const retry = status.details?.retryAfterSeconds
  const headers: Record<string, string> = retry !== undefined && retry > 0 ? { 'retry-after': String(retry) } : {}
  if (outgoing.headersSent) return void outgoing.end()
  const reply = prefersProtobuf(incoming.headers.accept)
    ? { ...protobufValue(status, status.code), headers }
    : { status: status.code, bytes: Buffer.from(`${JSON.stringify(status)}\n`), headers }
  writeValue(incoming, outgoing, reply)
}

/** A thrown error as a Status; what is no refusal is logged and hidden behind a 500. */
export const statusOf = (error: unknown, log: Log): FailureStatus => {
  if (isRefusal(error)) return error.status
  if (error instanceof Refusal) return error.status
  const text = error instanceof Error ? error.message : String(error)
  log.error('a request failed', { error: text, stack: error instanceof Error ? error.stack : undefined })
  return internalError(text).status
}

const drained = (outgoing: Outgoing): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
  })

/** Writes frames as they come; a reader that does not drain lets them wait in the watch's own bounded queue. */
export const writeWatch = async (
  outgoing: Outgoing,
  frames: AsyncIterable<readonly ServedFrame[]>,
  contentType = 'application/json',
): Promise<void> => {
  const out = outgoing as ServerResponse
  out.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache, private' })
  out.flushHeaders?.()
  for await (const batch of frames) {
    if (out.destroyed || out.writableEnded) break
    const parts = batch.map((frame) => frame.encoded?.() ?? Buffer.from(`${JSON.stringify({ type: frame.type, object: frame.object })}\n`))
    const flowing = out.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts))
    if (!flowing) await drained(outgoing)
  }
  if (!out.writableEnded) out.end()
}

export const writeStream = (outgoing: Outgoing, reply: StreamReply): void => {
  const out = outgoing as ServerResponse
  out.writeHead(reply.status, { 'content-type': reply.contentType, 'cache-control': 'no-cache, private' })
  out.flushHeaders?.()
  reply.stream.on('error', () => out.destroy())
  out.on('close', () => reply.stream.destroy())
  reply.stream.pipe(out)
}
