import {
  createWriter,
  putBytes,
  putLength,
  putText,
  readerOf,
  skipField,
  takeBytes,
  takeTag,
  textOf,
  written,
  writtenBytes,
} from './bytes.ts'

/** What every protobuf message of Kubernetes begins with. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])

/** An object's message with the names that its fields do not hold: runtime.Unknown. */
export interface Enveloped {
  readonly apiVersion: string
  readonly kind: string
  readonly raw: Uint8Array
}

export const writeEnvelope = ({ apiVersion, kind, raw }: Enveloped): Buffer => {
  const writer = createWriter(raw.length + apiVersion.length + kind.length + 48)
  const text = (number: number, value: string): void => {
    const before = written(writer)
    putText(writer, value)
    putLength(writer, number, before)
  }
  text(4, '')
  text(3, '')
  const body = written(writer)
  putBytes(writer, raw)
  putLength(writer, 2, body)
  const names = written(writer)
  text(2, kind)
  text(1, apiVersion)
  putLength(writer, 1, names)
  putBytes(writer, magic)
  return writtenBytes(writer)
}

/** Throws upstream's texts for what is no envelope. */
export const readEnvelope = (bytes: Uint8Array): Enveloped => {
  if (bytes.length === 0) throw new Error('empty data')
  const whole = readerOf(bytes)
  if (!whole.bytes.subarray(0, 4).equals(magic))
    throw new Error('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  whole.at = 4
  let raw: Uint8Array = Buffer.alloc(0)
  const names = { apiVersion: '', kind: '' }
  while (whole.at < whole.end) {
    const { number, wire } = takeTag(whole)
    if (number === 2 && wire === 2) {
      const body = takeBytes(whole)
      raw = body.bytes.subarray(body.at, body.end)
    } else if (number === 1 && wire === 2) {
      const inner = takeBytes(whole)
      while (inner.at < inner.end) {
        const field = takeTag(inner)
        if (field.wire !== 2) skipField(inner, field.wire)
        else if (field.number === 1) names.apiVersion = textOf(takeBytes(inner))
        else if (field.number === 2) names.kind = textOf(takeBytes(inner))
        else skipField(inner, field.wire)
      }
    } else skipField(whole, wire)
  }
  return { ...names, raw }
}

/** A list's raw message: its metadata's and its items' own messages, which are copied once. */
export const joinList = (metadata: Uint8Array, items: readonly Uint8Array[]): Buffer => {
  const size = items.reduce((sum, item) => sum + item.length + 11, metadata.length + 32)
  const writer = createWriter(size)
  for (let index = items.length - 1; index >= 0; index--) {
    const before = written(writer)
    putBytes(writer, items[index] as Uint8Array)
    putLength(writer, 2, before)
  }
  const before = written(writer)
  putBytes(writer, metadata)
  putLength(writer, 1, before)
  return writtenBytes(writer)
}

/** One frame of a watch: four bytes of length, then a WatchEvent whose object is in an envelope. */
export const writeWatchFrame = (type: string, object: Uint8Array): Buffer => {
  const writer = createWriter(object.length + type.length + 40)
  const outer = written(writer)
  putBytes(writer, object)
  putLength(writer, 1, outer)
  putLength(writer, 2, outer)
  const before = written(writer)
  putText(writer, type)
  putLength(writer, 1, before)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(written(writer))
  putBytes(writer, length)
  return writtenBytes(writer)
}
