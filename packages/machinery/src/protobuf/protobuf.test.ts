import { expect, test } from 'vitest'
import type { TypeFacts } from '../schema/schema.ts'
import { decodeMessage } from './decode.ts'
import { encodeMessage } from './encode.ts'
import { joinList, readEnvelope, writeEnvelope, writeWatchFrame } from './envelope.ts'
import { compileMessages, type Message } from './message.ts'

const ref = (name: string) => ({ type: 'object', ref: name, protoType: 'message' })
const types: Readonly<Record<string, TypeFacts>> = {
  'x.Thing': {
    fields: {
      name: { type: 'string', proto: 1, protoType: 'string' },
      count: { type: 'integer', format: 'int64', proto: 2, protoType: 'int64' },
      maybe: { type: 'integer', format: 'int32', ptr: true, proto: 3, protoType: 'int32' },
      on: { type: 'boolean', proto: 4, protoType: 'bool' },
      at: { type: 'string', format: 'date-time', proto: 5, protoType: 'message' },
      port: { type: 'string', format: 'int-or-string', ptr: true, proto: 6, protoType: 'message' },
      size: { type: 'map', values: { type: 'string', format: 'quantity', protoType: 'message' }, proto: 7, protoType: 'map' },
      inner: { ...ref('x.Inner'), ptr: true, proto: [8, 1] },
      names: { type: 'array', items: { type: 'string' }, proto: 9, protoType: 'string' },
      bytes: { type: 'string', format: 'byte', proto: 10, protoType: 'bytes' },
      raw: { ...ref('y.RawExtension'), ptr: true, proto: 11 },
      seen: { type: 'string', format: 'micro-time', ptr: true, proto: 12, protoType: 'message' },
    },
  },
  'x.Inner': { fields: { thing: { ...ref('x.Thing'), ptr: true, proto: 1 } } },
  'y.RawExtension': { special: true },
}
const thing = compileMessages(types)('x.Thing') as Message
const hex = (object: Record<string, unknown>): string => encodeMessage(thing, object).toString('hex')

// By hand: plain fields are there also when they are zero, the embedded struct as well; pointers, lists and maps only when they are set.
const zero = { name: '0a00', count: '1000', on: '2000', at: '2a00', embedded: '4200' }
test('an empty object', () => expect(hex({})).toBe(zero.name + zero.count + zero.on + zero.at + zero.embedded))

test.each([
  [{ name: 'añb' }, '0a0461c3b162', 'name'],
  [{ count: 300 }, '10ac02', 'count'],
  [{ count: -1 }, '10ffffffffffffffffff01', 'count'],
  [{ count: 9007199254740993n }, '1081808080808080' + '10', 'count'],
  [{ on: true }, '2001', 'on'],
  [{ at: '1970-01-01T00:02:00Z' }, '2a0408781000', 'at'],
] as const)('a plain field %o', (object, bytes, name) => {
  expect(hex(object)).toBe(
    Object.entries(zero)
      .map(([key, text]) => (key === name ? bytes : text))
      .join(''),
  )
  expect(decodeMessage(thing, Buffer.from(bytes, 'hex'))).toEqual(object)
})

test.each([
  [{ maybe: 0 }, '1800', 'count'],
  [{ port: 80 }, '32060800' + '10501a00', 'at'],
  [{ port: 'web' }, '32090801' + '10001a03776562', 'at'],
  [{ size: { b: '1', a: '2Gi' } }, '3a0a0a016112050a03324769' + '3a080a016212030a0131', 'at'],
  [{ names: ['x', ''] }, '4a01784a00', 'embedded'],
  [{ bytes: 'AQI=' }, '52020102', 'embedded'],
  [{ raw: { a: 1 } }, '5a090a077b2261223a317d', 'embedded'],
  [{ seen: '1970-01-01T00:00:01.000002Z' }, '6205080110d00f', 'embedded'],
] as const)('a field that may be absent %o', (object, bytes, after) => {
  const all = Object.entries(zero).map(([key, text]) => (key === after ? text + bytes : text))
  expect(hex(object)).toBe(all.join(''))
  expect(decodeMessage(thing, Buffer.from(all.join(''), 'hex'))).toEqual(object)
})

test('structs that JSON flattens', () => {
  const object = { inner: { thing: { name: 'deep' } } }
  expect(decodeMessage(thing, encodeMessage(thing, object))).toEqual({ inner: { thing: { name: 'deep' } } })
})

test('keys that users name', () => {
  const object = { size: Object.assign(Object.create(null), { __proto__x: '1', constructor: '2', '10': '3' }) }
  expect(decodeMessage(thing, encodeMessage(thing, object))).toEqual(object)
  const back = decodeMessage(thing, Buffer.from('3a100a095f5f70726f746f5f5f12030a0131', 'hex')) as { size: object }
  expect(Object.keys(back.size)).toEqual(['__proto__'])
})

test('what is not read', () => {
  expect(decodeMessage(thing, Buffer.from('fa070161' + 'f80701' + '0a0178', 'hex'))).toEqual({ name: 'x' })
  expect(() => decodeMessage(thing, Buffer.from('0a05', 'hex'))).toThrow('unexpected EOF')
  expect(() => decodeMessage(thing, Buffer.from('0801', 'hex'))).toThrow('wrong wireType = 0 for field name')
  expect(() => readEnvelope(Buffer.from('{}'))).toThrow('expected prefix [107 56 115 0]')
})

test('envelope, list and watch frame', () => {
  const raw = Buffer.from('0a0178', 'hex')
  const bytes = writeEnvelope({ apiVersion: 'v1', kind: 'Pod', raw })
  expect(bytes.toString('hex')).toBe('6b387300' + '0a090a02763112' + '03506f64' + '12030a0178' + '1a00' + '2200')
  expect(readEnvelope(bytes)).toMatchObject({ apiVersion: 'v1', kind: 'Pod' })
  expect(Buffer.from(readEnvelope(bytes).raw).toString('hex')).toBe('0a0178')
  expect(joinList(Buffer.from('1200', 'hex'), [raw, raw]).toString('hex')).toBe('0a021200' + '12030a0178' + '12030a0178')
  expect(writeWatchFrame('ADDED', raw).toString('hex')).toBe('0000000e' + '0a054144444544' + '12050a030a0178')
})
