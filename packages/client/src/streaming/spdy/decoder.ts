import { SpdyError } from './error.ts'
import { controlType, type SpdyFrame } from './frames.ts'
import { createHeaderReader, type SpdyHeaders } from './header-block.ts'

export interface DecoderLimits {
  /** The longest control frame, compressed. A DATA frame has no limit, since it is never held. */
  readonly controlBytes: number
  /** The longest header block, inflated. */
  readonly headerBytes: number
}
const defaultLimits: DecoderLimits = { controlBytes: 16_384, headerBytes: 262_144 }

const typeOf = new Map<number, keyof typeof controlType>(
  (Object.keys(controlType) as (keyof typeof controlType)[]).map((name) => [controlType[name], name]),
)
const streamMask = 0x7fffffff

const needLength = (ok: boolean, what: string): void => {
  if (!ok) throw new SpdyError('protocol', `${what} frame of a wrong length`)
}

const decodeSettings = (payload: Buffer): SpdyFrame => {
  needLength(payload.length >= 4 && payload.length === 4 + 8 * payload.readUInt32BE(0), 'settings')
  const values = new Map<number, number>()
  for (let at = 4; at < payload.length; at += 8) values.set(payload.readUInt32BE(at) & 0xffffff, payload.readUInt32BE(at + 4))
  return { type: 'settings', values }
}

const decodeControl = (
  type: keyof typeof controlType,
  flags: number,
  payload: Buffer,
  headersOf: (block: Buffer) => SpdyHeaders,
): SpdyFrame => {
  const word = (index: number): number => payload.readUInt32BE(4 * index)
  const fin = (flags & 1) !== 0
  switch (type) {
    case 'syn-stream':
      needLength(payload.length >= 10, type)
      return {
        type,
        streamId: word(0) & streamMask,
        associatedTo: word(1) & streamMask,
        priority: payload.readUInt8(8) >> 5,
        fin,
        unidirectional: (flags & 2) !== 0,
        headers: headersOf(payload.subarray(10)),
      }
    case 'syn-reply':
    case 'headers':
      needLength(payload.length >= 4, type)
      return { type, streamId: word(0) & streamMask, fin, headers: headersOf(payload.subarray(4)) }
    case 'rst-stream':
      needLength(payload.length === 8, type)
      return { type, streamId: word(0) & streamMask, status: word(1) }
    case 'settings':
      return decodeSettings(payload)
    case 'ping':
      needLength(payload.length === 4, type)
      return { type, id: word(0) }
    case 'go-away':
      needLength(payload.length === 8, type)
      return { type, lastStreamId: word(0) & streamMask, status: word(1) }
    case 'window-update':
      needLength(payload.length === 8, type)
      return { type, streamId: word(0) & streamMask, deltaBytes: word(1) & streamMask }
  }
}

/** What is being read: a frame's head, the payload of a control frame, the bytes of DATA, or a frame that is skipped. */
type Reading =
  | { readonly at: 'head' }
  | { readonly at: 'control'; readonly type: keyof typeof controlType; readonly flags: number; readonly lengthBytes: number }
  | { readonly at: 'data'; readonly streamId: number; readonly fin: boolean; readonly leftBytes: number }
  | { readonly at: 'skip'; readonly leftBytes: number }

const readHead = (head: Buffer, limits: DecoderLimits): Reading => {
  const first = head.readUInt32BE(0)
  const flags = head.readUInt8(4)
  const lengthBytes = head.readUIntBE(5, 3)
  if (first >>> 31 === 0) {
    if (first === 0) throw new SpdyError('protocol', 'data for stream 0')
    return { at: 'data', streamId: first, fin: (flags & 1) !== 0, leftBytes: lengthBytes }
  }
  if (((first >>> 16) & 0x7fff) !== 3) throw new SpdyError('protocol', 'a version other than 3')
  if (lengthBytes > limits.controlBytes) throw new SpdyError('protocol', `control frame of ${lengthBytes} bytes`)
  const type = typeOf.get(first & 0xffff)
  // The draft asks for unknown control frames to be ignored.
  return type === undefined ? { at: 'skip', leftBytes: lengthBytes } : { at: 'control', type, flags, lengthBytes }
}

/**
 * An incremental reader of SPDY/3.1. Each call takes the next bytes of the connection and returns the frames they complete
 * (DATA in portions). Throws a SpdyError at the first violation; the decoder is unusable after it. It holds at most one
 * control frame.
 */
export const createDecoder = (limits: DecoderLimits = defaultLimits): ((chunk: Buffer) => SpdyFrame[]) => {
  const headersOf = createHeaderReader(limits.headerBytes)
  let reading: Reading = { at: 'head' }
  let held: Buffer = Buffer.alloc(0)

  /** `bytes` more from what is held and `rest`, or nothing when they are not there yet (then all is held). */
  const take = (rest: Buffer, bytes: number): Buffer | undefined => {
    const missing = bytes - held.length
    if (rest.length < missing) {
      held = Buffer.concat([held, rest])
      return undefined
    }
    const whole = held.length === 0 ? rest.subarray(0, missing) : Buffer.concat([held, rest.subarray(0, missing)])
    held = Buffer.alloc(0)
    return whole
  }

  return (chunk) => {
    const frames: SpdyFrame[] = []
    let rest = chunk
    for (;;) {
      if (reading.at === 'data') {
        const { streamId, fin, leftBytes } = reading
        if (leftBytes > 0 && rest.length === 0) return frames
        const bytes = rest.subarray(0, leftBytes)
        rest = rest.subarray(bytes.length)
        const left = leftBytes - bytes.length
        frames.push({ type: 'data', streamId, fin: fin && left === 0, bytes })
        reading = left === 0 ? { at: 'head' } : { ...reading, leftBytes: left }
      } else if (reading.at === 'skip') {
        const skipped = Math.min(rest.length, reading.leftBytes)
        rest = rest.subarray(skipped)
        if (skipped < reading.leftBytes) {
          reading = { at: 'skip', leftBytes: reading.leftBytes - skipped }
          return frames
        }
        reading = { at: 'head' }
      } else {
        const wanted = reading.at === 'head' ? 8 : reading.lengthBytes
        const before = held.length
        const whole = take(rest, wanted)
        if (whole === undefined) return frames
        rest = rest.subarray(wanted - before)
        if (reading.at === 'head') reading = readHead(whole, limits)
        else {
          frames.push(decodeControl(reading.type, reading.flags, whole, headersOf))
          reading = { at: 'head' }
        }
      }
    }
  }
}
