import type { SpdyHeaders } from './header-block.ts'

/** RST_STREAM status codes. */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
} as const

/** GOAWAY status codes. */
export const goAwayStatus = { ok: 0, protocol: 1, internal: 2 } as const

export const settingInitialWindowSize = 7

/** One frame of SPDY/3.1. A received DATA frame comes in portions, as its bytes arrive; only the last one can carry `fin`. */
export type SpdyFrame =
  | { readonly type: 'data'; readonly streamId: number; readonly fin: boolean; readonly bytes: Buffer }
  | {
      readonly type: 'syn-stream'
      readonly streamId: number
      readonly associatedTo: number
      readonly priority: number
      readonly fin: boolean
      readonly unidirectional: boolean
      readonly headers: SpdyHeaders
    }
  | { readonly type: 'syn-reply' | 'headers'; readonly streamId: number; readonly fin: boolean; readonly headers: SpdyHeaders }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'settings'; readonly values: ReadonlyMap<number, number> }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'go-away'; readonly lastStreamId: number; readonly status: number }
  /** Stream 0 is the whole session (3.1). */
  | { readonly type: 'window-update'; readonly streamId: number; readonly deltaBytes: number }

/** The numbers of control frames. */
export const controlType = {
  'syn-stream': 1,
  'syn-reply': 2,
  'rst-stream': 3,
  settings: 4,
  ping: 6,
  'go-away': 7,
  headers: 8,
  'window-update': 9,
} as const

const flagFin = 1
const flagUnidirectional = 2

const control = (type: keyof typeof controlType, flags: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt16BE(0x8003, 0) // control bit, version 3
  head.writeUInt16BE(controlType[type], 2)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * i)
  return bytes
}

/** The eight bytes before `lengthBytes` of data. */
export const encodeDataHead = (streamId: number, fin: boolean, lengthBytes: number): Buffer => {
  const head = words(streamId, lengthBytes)
  head.writeUInt8(fin ? flagFin : 0, 4)
  return head
}

/**
 * The bytes of a frame. `compress` is the connection's header writer: blocks must leave in the order in which they were
 * encoded.
 */
export const encodeFrame = (frame: SpdyFrame, compress: (headers: SpdyHeaders) => Buffer): Buffer => {
  switch (frame.type) {
    case 'data':
      return Buffer.concat([encodeDataHead(frame.streamId, frame.fin, frame.bytes.length), frame.bytes])
    case 'syn-stream': {
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0)
      const fixed = Buffer.concat([words(frame.streamId, frame.associatedTo), Buffer.from([frame.priority << 5, 0])])
      return control(frame.type, flags, Buffer.concat([fixed, compress(frame.headers)]))
    }
    case 'syn-reply':
    case 'headers':
      return control(frame.type, frame.fin ? flagFin : 0, Buffer.concat([words(frame.streamId), compress(frame.headers)]))
    case 'rst-stream':
      return control(frame.type, 0, words(frame.streamId, frame.status))
    case 'settings':
      return control(frame.type, 0, words(frame.values.size, ...[...frame.values].flat()))
    case 'ping':
      return control(frame.type, 0, words(frame.id))
    case 'go-away':
      return control(frame.type, 0, words(frame.lastStreamId, frame.status))
    case 'window-update':
      return control(frame.type, 0, words(frame.streamId, frame.deltaBytes))
  }
}
