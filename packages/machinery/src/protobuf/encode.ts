import { encodeJson } from '../json/encode.ts'
import { sortedKeys } from '../json/value.ts'
import { parseDuration } from '../time/duration.ts'
import { parseTime } from '../time/timestamp.ts'
import {
  createWriter,
  putBytes,
  putDouble,
  putInteger,
  putLength,
  putTag,
  putText,
  putVarint,
  type Writer,
  written,
  writtenBytes,
} from './bytes.ts'
import type { Message, ProtoField, ProtoShape } from './message.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Writes wire JSON as the bytes that gogo's generated code writes: fields in the order of their numbers, map keys sorted, a scalar
 * or struct that Go holds by value also when it is zero.
 */
export const encodeMessage = (message: Message, object: Fields): Buffer => {
  const writer = createWriter()
  putMessage(writer, message, object)
  return writtenBytes(writer)
}

const putMessage = (writer: Writer, message: Message, object: Fields): void => {
  for (let index = message.fields.length - 1; index >= 0; index--) putField(writer, message.fields[index] as ProtoField, object)
}

const putField = (writer: Writer, field: ProtoField, object: Fields): void => {
  const { shape, number } = field
  if (shape.is === 'embedded') {
    const before = written(writer)
    putMessage(writer, shape.message, object)
    return void putLength(writer, number, before)
  }
  const value = object[field.name]
  if (value === undefined || value === null) {
    if (field.always) putValue(writer, number, shape, zeroOf(shape))
  } else if (field.repeated) {
    const list = value as readonly unknown[]
    for (let index = list.length - 1; index >= 0; index--) putValue(writer, number, shape, list[index] ?? zeroOf(shape))
  } else putValue(writer, number, shape, value)
}

const empty: Fields = Object.freeze({})
/** What a value by Go's type is when nothing was set; undefined for the zero time, whose message is empty. */
const zeroOf = (shape: ProtoShape): unknown => {
  switch (shape.is) {
    case 'string':
    case 'bytes':
      return ''
    case 'bool':
      return false
    case 'int':
    case 'double':
    case 'intOrString':
      return 0
    case 'quantity':
      return '0'
    case 'duration':
      return '0s'
    case 'strings':
      return []
    case 'time':
    case 'rawJson':
      return undefined
    default:
      return empty
  }
}

const putValue = (writer: Writer, number: number, shape: ProtoShape, value: unknown): void => {
  switch (shape.is) {
    case 'string':
      return void putString(writer, number, value as string)
    case 'bool':
      return void putFlag(writer, number, value as boolean)
    case 'int':
      putInteger(writer, value as number | bigint)
      return void putTag(writer, number, 0)
    case 'double':
      putDouble(writer, value as number)
      return void putTag(writer, number, 1)
    case 'bytes': {
      const bytes = Buffer.from(value as string, 'base64')
      putBytes(writer, bytes)
      putVarint(writer, bytes.length)
      return void putTag(writer, number, 2)
    }
    case 'map':
      return void putMap(writer, number, shape.values, value as Fields)
    default: {
      const before = written(writer)
      putInner(writer, shape, value)
      return void putLength(writer, number, before)
    }
  }
}

const putString = (writer: Writer, number: number, text: string): void => {
  const before = written(writer)
  putText(writer, text)
  putLength(writer, number, before)
}
const putFlag = (writer: Writer, number: number, flag: boolean): void => {
  putVarint(writer, flag ? 1 : 0)
  putTag(writer, number, 0)
}
const putWhole = (writer: Writer, number: number, value: number | bigint): void => {
  putInteger(writer, value)
  putTag(writer, number, 0)
}

/** The content of a message. */
const putInner = (writer: Writer, shape: ProtoShape, value: unknown): void => {
  switch (shape.is) {
    case 'message':
      return void putMessage(writer, shape.message, value as Fields)
    case 'time':
      if (value !== undefined) putTime(writer, value as string, shape.micro)
      return
    case 'duration':
      return void putWhole(writer, 1, parseDuration(value as string))
    case 'quantity':
      return void putString(writer, 1, String(value))
    case 'intOrString': {
      const text = typeof value === 'string'
      putString(writer, 3, text ? value : '')
      putWhole(writer, 2, text ? 0 : (value as number))
      return void putWhole(writer, 1, text ? 1 : 0)
    }
    case 'rawJson':
      if (value !== undefined) putString(writer, 1, encodeJson(value))
      return
    case 'strings': {
      const list = value as readonly string[]
      for (let index = list.length - 1; index >= 0; index--) putString(writer, 1, list[index] as string)
      return
    }
    case 'schemaOr':
      return void putUnion(writer, shape, value)
    default:
      throw new Error(`no message: ${shape.is}`)
  }
}

const putTime = (writer: Writer, text: string, micro: boolean): void => {
  const { seconds, nanos } = parseTime(text)
  putWhole(writer, 2, micro ? nanos - (nanos % 1000) : 0)
  putWhole(writer, 1, seconds)
}

/** Entries in the order of their keys; key and value are always written. */
const putMap = (writer: Writer, number: number, values: ProtoShape, map: Fields): void => {
  const keys = sortedKeys(map)
  for (let index = keys.length - 1; index >= 0; index--) {
    const key = keys[index] as string
    const before = written(writer)
    putValue(writer, 2, values, map[key] ?? zeroOf(values))
    putString(writer, 1, key)
    putLength(writer, number, before)
  }
}

const putUnion = (writer: Writer, { other, message }: Extract<ProtoShape, { is: 'schemaOr' }>, value: unknown): void => {
  const schema = (number: number, each: unknown): void => {
    const before = written(writer)
    putMessage(writer, message, each as Fields)
    putLength(writer, number, before)
  }
  const list = Array.isArray(value)
  if (list)
    for (let index = value.length - 1; index >= 0; index--) {
      if (other === 'strings') putString(writer, 2, value[index] as string)
      else schema(2, value[index])
    }
  if (other === 'bool') {
    if (typeof value !== 'boolean') schema(2, value)
    putFlag(writer, 1, value !== false)
  } else if (!list) schema(1, value)
}
