import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { StreamReply, ValueReply, WatchReply } from '@skiff/client'
import type { FailureStatus, Log } from '@skiff/machinery'
import { internalError, isRefusal, Refusal } from '@skiff/machinery'
import type { ServedFrame } from '../watch/frame.ts'
import type { Incoming, Outgoing } from './messages.ts'
import { createSender, endWithin } from './send.ts'
import { statusReply } from './statuses.ts'

const gzipFrom = 128 * 1024

/** A Warning header's text, with what HTTP does not carry taken out. */
const warningHeader = (text: string): string =>
  `299 - "${text
    .replace(/[\r\n]/g, ' ')
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')}"`

const mostWarningRunes = 4 * 1024
const mostItemRunes = 256
/** Each warning once; where all together are too long for headers, each is cut and the last are left out, as upstream has it. */
const boundedWarnings = (warnings: readonly string[]): readonly string[] => {
  const different = [...new Set(warnings)]
  let total = 0
  for (const text of different) total += text.length
  if (total <= mostWarningRunes) return different
  const cut: string[] = []
  total = 0
  for (const text of different) {
    if (total >= mostWarningRunes) break
    const runes = [...text.slice(0, 2 * mostItemRunes)].slice(0, mostItemRunes)
    total += runes.length
    cut.push(runes.join(''))
  }
  return cut
}

/** Writes a whole answer: at once, or as its reader takes it where it is long, with a promise of its end. */
export const writeValue = (incoming: Incoming, outgoing: Outgoing, reply: ValueReply): Promise<void> | undefined => {
  const { status, bytes, contentType = 'application/json', warnings, headers } = reply
  const fields: Record<string, string | string[] | number> = { 'content-type': contentType, 'cache-control': 'no-cache, private' }
  if (warnings && warnings.length > 0) fields.warning = boundedWarnings(warnings).map(warningHeader)
  if (headers) Object.assign(fields, headers)
  const parts: readonly Uint8Array[] =
    bytes === undefined ? [] : Array.isArray(bytes) ? (bytes as readonly Uint8Array[]) : [bytes as Uint8Array]
  let length = 0
  for (const part of parts) length += part.length
  const packs = length > gzipFrom && fields['content-encoding'] === undefined && acceptsGzip(incoming)
  if (packs) {
    fields['content-encoding'] = 'gzip'
    fields.vary = 'Accept-Encoding'
  } else fields['content-length'] = length
  if (status === 204) {
    // No content has no type and no length.
    delete fields['content-type']
    delete fields['content-length']
  }
  const out = outgoing as ServerResponse
  out.writeHead(status, fields)
  if (incoming.method === 'HEAD' || parts.length === 0) out.end()
  else if (packs) return writePacked(out, parts)
  else if (length > atOnceBytes) return writeParts(out, parts)
  else if (incoming.httpVersionMajor === 2) {
    if (!endWithin(outgoing, parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts))) out.destroy()
  } else if (parts.length === 1) out.end(parts[0])
  else {
    out.cork?.()
    for (let at = 0; at < parts.length - 1; at++) out.write(parts[at])
    out.end(parts[parts.length - 1])
    out.uncork?.()
  }
  return undefined
}

/** Answers up to this size are handed over in one go; what is longer goes as the client takes it. */
const atOnceBytes = 64 * 1024

const writeParts = async (outgoing: ServerResponse, parts: readonly Uint8Array[]): Promise<void> => {
  if (await createSender(outgoing)(parts)) await ended(outgoing)
}

/** Resolves when the client has taken all of it, or is gone: until then the request's deadline counts. */
const ended = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    outgoing.on('close', resolve)
    outgoing.end(() => resolve())
  })

/** As upstream reads it: a token of its own, without a weight. */
export const acceptsGzip = (incoming: Incoming): boolean => {
  const accepted = incoming.headers['accept-encoding']
  return (
    accepted !== undefined &&
    String(accepted)
      .split(',')
      .some((token) => token.trim() === 'gzip')
  )
}

/** Upstream's level 1, piece by piece, so that a slow client holds neither form of a long list. */
const writePacked = async (outgoing: ServerResponse, parts: readonly Uint8Array[]): Promise<void> => {
  const send = createSender(outgoing)
  const packer = Readable.from(slices(parts)).pipe(createGzip({ level: 1, chunkSize: 64 * 1024 }))
  try {
    for await (const piece of packer as AsyncIterable<Buffer>) if (!(await send([piece]))) return
    await ended(outgoing)
  } catch (error) {
    // The head has gone out: only a broken connection tells the client that this is not all.
    outgoing.destroy(error as Error)
  }
}

function* slices(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  for (const part of parts) for (let at = 0; at < part.length; at += gzipFrom) yield part.subarray(at, at + gzipFrom)
}

export const writeStatus = (incoming: Incoming, outgoing: Outgoing, status: FailureStatus, warnings?: readonly string[]): void => {
  const retry = status.details?.retryAfterSeconds
  const headers: Record<string, string> = retry !== undefined && retry > 0 ? { 'retry-after': String(retry) } : {}
  if (outgoing.headersSent) return void outgoing.end()
  void writeValue(incoming, outgoing, { ...statusReply(incoming, status), headers, ...(warnings ? { warnings } : {}) })
}

/** A thrown error as a Status; what is no refusal is logged and hidden behind a 500. */
export const statusOf = (error: unknown, log: Log): FailureStatus => {
  if (isRefusal(error)) return error.status
  if (error instanceof Refusal) return error.status
  const text = error instanceof Error ? error.message : String(error)
  log.error('a request failed', { error: text, stack: error instanceof Error ? error.stack : undefined })
  return internalError(text).status
}

/** Writes frames as they come; a reader that does not drain lets them wait in the watch's own bounded queue. */
export const writeWatch = async (
  outgoing: Outgoing,
  frames: AsyncIterable<readonly ServedFrame[]>,
  { contentType = 'application/json', warnings = [] }: Omit<WatchReply, 'watch'> = {},
): Promise<void> => {
  const out = outgoing as ServerResponse
  const fields: Record<string, string | string[]> = { 'content-type': contentType, 'cache-control': 'no-cache, private' }
  if (warnings.length > 0) fields.warning = boundedWarnings(warnings).map(warningHeader)
  out.writeHead(200, fields)
  out.flushHeaders?.()
  const send = createSender(outgoing)
  for await (const batch of frames) if (!(await sendFrames(send, batch))) break
  if (!out.writableEnded) out.end()
}

/** A frame's wire form. */
export const frameBytes = (frame: ServedFrame): Buffer =>
  frame.encoded?.() ?? Buffer.from(`${JSON.stringify({ type: frame.type, object: frame.object })}\n`)

/** A batch in pieces of some frames each: neither a write a frame, nor a copy of all that a long list begins with. */
const sendFrames = async (send: (parts: readonly Uint8Array[]) => Promise<boolean>, batch: readonly ServedFrame[]): Promise<boolean> => {
  const known = joined.get(batch)
  if (known) return send([known])
  let pieces: Buffer[] = []
  let length = 0
  for (const [index, frame] of batch.entries()) {
    const bytes = frameBytes(frame)
    pieces.push(bytes)
    length += bytes.length
    const last = index === batch.length - 1
    if (length < pieceBytes && !last) continue
    const piece = pieces.length === 1 ? bytes : Buffer.concat(pieces)
    if (last && pieces.length === batch.length) joined.set(batch, piece)
    if (!(await send([piece]))) return false
    pieces = []
    length = 0
  }
  return true
}
/** The bytes of batches that went out in one piece: watches share them. */
const joined = new WeakMap<readonly ServedFrame[], Buffer>()
const pieceBytes = 64 * 1024

export const writeStream = (outgoing: Outgoing, reply: StreamReply): void => {
  const out = outgoing as ServerResponse
  const { status, contentType, warnings = [] } = reply
  const fields: Record<string, string | string[]> = { 'content-type': contentType, 'cache-control': 'no-cache, private' }
  if (warnings.length > 0) fields.warning = boundedWarnings(warnings).map(warningHeader)
  out.writeHead(status, fields)
  out.flushHeaders?.()
  reply.stream.on('error', () => out.destroy())
  out.on('close', () => reply.stream.destroy())
  reply.stream.pipe(out)
}
