import { expect, test } from 'vitest'
import type { Json } from '../json/value.ts'
import { decodeCbor } from './decode.ts'
import { encodeCbor } from './encode.ts'

const prefix = 'd9d9f7'
const bytes = (hex: string) => Buffer.from(hex, 'hex')

// RFC 8949, appendix A, with strings as byte strings.
test.each([
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [1000, '1903e8'],
  [1000000, '1a000f4240'],
  [1000000000000, '1b000000e8d4a51000'],
  [9223372036854775807n, '1b7fffffffffffffff'],
  [-1, '20'],
  [-1000, '3903e7'],
  [-9223372036854775808n, '3b7fffffffffffffff'],
  [1.5, 'f93e00'],
  [2 ** -24, 'f90001'],
  [0.00006103515625, 'f90400'],
  [100000.5, 'fa47c35040'],
  [1.1, 'fb3ff199999999999a'],
  [1e300, 'fb7e37e43c8800759c'],
  [-4.1, 'fbc010666666666666'],
  [true, 'f5'],
  [null, 'f6'],
  ['ü', '42c3bc'],
  [[1, [2, 3]], '82018202' + '03'],
  [{ b: 1, aa: 2, a: 3 }, 'a3' + '416103' + '416201' + '42616102'],
  [JSON.parse('{"__proto__":1}'), 'a1495f5f70726f746f5f5f01'],
] as readonly (readonly [Json, string])[])('%o', (value, hex) => {
  expect(encodeCbor(value).toString('hex')).toBe(prefix + hex)
  expect(decodeCbor(bytes(prefix + hex))).toEqual(value)
})

test('what only a type tells', () => {
  expect(encodeCbor('aGVsbG8=', { is: 'bytes' }).toString('hex')).toBe(`${prefix}d64568656c6c6f`)
  expect(encodeCbor(1, { is: 'number' }).toString('hex')).toBe(`${prefix}f93c00`)
  expect(encodeCbor(65505, { is: 'number' }).toString('hex')).toBe(`${prefix}fa477fe100`)
})

test.each([
  ['6161', 'a'],
  ['7f616161626163ff', 'abc'],
  ['5f426865436c6c6fff', 'hello'],
  ['9f9f8080ff80ff', [[[], []], []]],
  ['bf6141bf616101ffff', { A: { a: 1 } }],
  ['d64568656c6c6f', 'aGVsbG8='],
  ['d7420aff', '0aff'],
  ['c074323031332d30332d32315432303a30343a30305a', '2013-03-21T20:04:00Z'],
  ['c11a514b67b0', '2013-03-21T20:04:00Z'],
  ['c1fb41d452d9ec200000', '2013-03-21T20:04:00.5Z'],
  ['f93c00', 1],
  ['d8ff01', 1],
  ['1800', 0],
] as const)('%s is read', (hex, value) => expect(decodeCbor(bytes(hex))).toEqual(value))

const type = 'is not accepted by protocol'
test.each([
  ['', 'EOF'],
  ['62', 'unexpected EOF'],
  ['5bffffffffffffffff', 'unexpected EOF'],
  ['0000', 'cbor: 1 bytes of extraneous data starting at index 1'],
  ['a2414101614102', 'cbor: found duplicate map key "A" at map element index 1'],
  ['a10102', 'cbor: cannot unmarshal positive integer into Go value of type string'],
  ['1bffffffffffffffff', "cbor: cannot unmarshal positive integer into Go value of type int64 (18446744073709551615 overflows Go's int64)"],
  [
    '3bffffffffffffffff',
    "cbor: cannot unmarshal negative integer into Go value of type int64 (-18446744073709551616 overflows Go's int64)",
  ],
  ['f97e00', `cbor: data item of cbor type primitives ${type}: floating-point NaN`],
  ['fbfff0000000000000', `cbor: data item of cbor type primitives ${type}: floating-point infinity`],
  ['f7', `cbor: data item of cbor type primitives ${type}: simple value 23 is not recognized`],
  ['c24101', `cbor: data item of cbor type tag ${type}: bignum`],
  ['6180', 'cbor: invalid UTF-8 string'],
  ['1c', 'cbor: invalid additional information 28 for type positive integer'],
  ['ff', 'cbor: unexpected "break" code'],
  ['5f6161ff', 'cbor: wrong element type UTF-8 text string for indefinite-length byte string'],
  [`${'81'.repeat(65)}00`, 'cbor: exceeded max nested level 64'],
  [`990401${'00'.repeat(1025)}`, 'cbor: exceeded max number of elements 1024 for CBOR array'],
  ['b90401', 'cbor: exceeded max number of key-value pairs 1024 for CBOR map'],
] as const)('%s is refused', (hex, text) => expect(() => decodeCbor(bytes(hex))).toThrow(new Error(text)))

test('no words for NaN', () => expect(() => encodeCbor(Number.NaN)).toThrow('NaN'))
