import { parseJsonText } from '../json/parse.ts'
import { rfc3339 } from '../meta.ts'
import { durationText } from '../time/duration.ts'
import { type Reader, readerOf, skipField, takeBytes, takeDouble, takeInteger, takeTag, takeVarint, textOf } from './bytes.ts'
import type { Message, ProtoField, ProtoShape } from './message.ts'

type Fields = Record<string, unknown>

/** Messages within messages above this are refused, since schemas may hold themselves; JSON within messages as well. */
const maxDepth = 500

/** Reads a message into wire JSON. Fields that nobody knows are passed over; zero values of Go's plain fields are left out. Throws gogo's texts. */
export const decodeMessage = (message: Message, bytes: Uint8Array): Fields => {
  const object: Fields = {}
  readMessage(message, readerOf(bytes), object, 0)
  return object
}

const readMessage = (message: Message, reader: Reader, object: Fields, depth: number): void => {
  if (depth > maxDepth) throw new Error('proto: nested too deeply')
  while (reader.at < reader.end) {
    const { number, wire } = takeTag(reader)
    const field = message.byNumber.get(number)
    if (field) readField(field, reader, wire, object, depth)
    else skipField(reader, wire)
  }
}

const wires: Readonly<Record<string, number>> = { bool: 0, int: 0, double: 1 }

const readField = (field: ProtoField, reader: Reader, wire: number, object: Fields, depth: number): void => {
  const { shape, name } = field
  if (wire !== (wires[shape.is] ?? 2)) throw new Error(`proto: wrong wireType = ${wire} for field ${name}`)
  if (shape.is === 'embedded') return void readMessage(shape.message, takeBytes(reader), object, depth + 1)
  if (shape.is === 'map') return void readEntry(shape.values, takeBytes(reader), own(object, name), depth)
  const value = readValue(shape, reader, object[name], depth)
  if (value === undefined) return
  if (field.repeated) {
    object[name] ??= []
    ;(object[name] as unknown[]).push(value)
  } else if (!field.always || !isZero(shape, value)) object[name] = value
  else delete object[name]
}

const isZero = (shape: ProtoShape, value: unknown): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  (shape.is === 'quantity' && value === '0') ||
  (shape.is === 'duration' && value === '0s')

/** A map of the object, made when it is first met. It has no prototype, since users name its keys. */
const own = (object: Fields, name: string): Fields => {
  object[name] ??= Object.create(null)
  return object[name] as Fields
}

/** Undefined for a zero time or an empty raw value. */
const readValue = (shape: ProtoShape, reader: Reader, before: unknown, depth: number): unknown => {
  switch (shape.is) {
    case 'string':
      return textOf(takeBytes(reader))
    case 'bool':
      return Number(takeVarint(reader)) !== 0
    case 'int':
      return takeInteger(reader)
    case 'double':
      return takeDouble(reader)
    case 'bytes': {
      const { bytes, at, end } = takeBytes(reader)
      return bytes.toString('base64', at, end)
    }
    case 'message': {
      // A message met twice is one, as protobuf merges them; a list's elements are never given here.
      const inner: Fields = Array.isArray(before) || before === undefined ? {} : (before as Fields)
      readMessage(shape.message, takeBytes(reader), inner, depth + 1)
      return inner
    }
    default:
      return readSpecial(shape, takeBytes(reader), depth)
  }
}

/** The fields of a message with a form of its own, by number; the last of each, and all of field `list`. */
const parts = (reader: Reader): { readonly ints: readonly (number | bigint)[]; readonly texts: readonly Reader[][] } => {
  const ints: (number | bigint)[] = []
  const texts: Reader[][] = [[], [], [], []]
  while (reader.at < reader.end) {
    const { number, wire } = takeTag(reader)
    if (number > 3 || (wire !== 0 && wire !== 2)) skipField(reader, wire)
    else if (wire === 0) ints[number] = takeInteger(reader)
    else texts[number]?.push(takeBytes(reader))
  }
  return { ints, texts }
}

const lastText = (texts: readonly Reader[] | undefined): string | undefined => {
  const last = texts?.at(-1)
  return last && textOf(last)
}

const readSpecial = (shape: ProtoShape, reader: Reader, depth: number): unknown => {
  const { ints, texts } = parts(reader)
  switch (shape.is) {
    case 'time':
      return readTime(ints[1], ints[2], shape.micro)
    case 'duration':
      return durationText(BigInt(ints[1] ?? 0))
    case 'quantity':
      return lastText(texts[1]) ?? '0'
    case 'intOrString':
      return ints[1] === 1 ? (lastText(texts[3]) ?? '') : Number(ints[2] ?? 0)
    case 'rawJson': {
      const text = lastText(texts[1])
      return text ? parseJsonText(text, maxDepth).value : undefined
    }
    case 'strings':
      return (texts[1] ?? []).map(textOf)
    case 'schemaOr':
      return readUnion(shape, ints, texts, depth)
    default:
      throw new Error(`no message: ${shape.is}`)
  }
}

const readTime = (seconds: number | bigint | undefined, nanos: number | bigint | undefined, micro: boolean): string | undefined => {
  if (seconds === undefined && nanos === undefined) return undefined
  // Whatever the nanoseconds say, they are less than a second in the end, as Go has them.
  const whole = Math.floor(Number(nanos ?? 0) / 1e9)
  const text = rfc3339((Number(seconds ?? 0) + whole) * 1000)
  const rest = Number(nanos ?? 0) - whole * 1e9
  return micro ? `${text.slice(0, -1)}.${String(Math.trunc(rest / 1000)).padStart(6, '0')}Z` : text
}

const readUnion = (
  { other, message }: Extract<ProtoShape, { is: 'schemaOr' }>,
  ints: readonly (number | bigint)[],
  texts: readonly Reader[][],
  depth: number,
): unknown => {
  const schema = (reader: Reader): Fields => {
    const object: Fields = {}
    readMessage(message, reader, object, depth + 1)
    return object
  }
  const [first] = (other === 'bool' ? texts[2] : texts[1]) ?? []
  if (first) return schema(first)
  if (other === 'bool') return ints[1] === 1
  return (texts[2] ?? []).map((each) => (other === 'strings' ? textOf(each) : schema(each)))
}

const readEntry = (values: ProtoShape, reader: Reader, map: Fields, depth: number): void => {
  let key = ''
  let value: unknown
  while (reader.at < reader.end) {
    const { number, wire } = takeTag(reader)
    if (number === 1 && wire === 2) key = textOf(takeBytes(reader))
    else if (number === 2) value = readValue(values, reader, undefined, depth + 1)
    else skipField(reader, wire)
  }
  map[key] =
    value ?? (values.is === 'string' || values.is === 'bytes' ? '' : values.is === 'strings' ? [] : values.is === 'quantity' ? '0' : {})
}
