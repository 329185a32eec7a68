import { expect, test } from 'vitest'
import { seededRandom } from '../seeded.ts'
import { encodeJson } from './encode.ts'
import { parseExactly } from './exact.ts'
import { parseJson, parseJsonText, parseOwnJson } from './parse.ts'
import { scanJson } from './scan.ts'
import { compareBytes, type Json, putKey, sameJson, sortedKeys } from './value.ts'

test.each([
  ['{"a":1,"a":2}', ['duplicate field "a"']],
  ['{"spec":{"a":1,"b":2,"a":2}}', ['duplicate field "spec.a"']],
  ['{"c":[{"n":1},{"n":1,"n":2}]}', ['duplicate field "c[1].n"']],
  ['{"c":[[{"n":1,"\\u006e":2}]]}', ['duplicate field "c[0][0].n"']],
  ['{"a":{"b":1},"c":{"b":1}}', []],
  ['{"10":1,"__proto__":1,"10":1,"__proto__":2}', ['duplicate field "10"', 'duplicate field "__proto__"']],
  ['{"k:{\\"a\\":1}":1,"k:{\\"a\\":2}":1}', []],
])('duplicate keys of %s', (text, duplicates) => {
  const parsed = parseJsonText(text)
  expect(parsed.duplicates).toEqual(duplicates)
  expect(sameJson(parsed.value, JSON.parse(text))).toBe(true)
})

test('a large object with one key twice', () => {
  const members = Array.from({ length: 5000 }, (_, i) => `"k${i}":${i}`)
  expect(parseJsonText(`{${members.join()}}`).duplicates).toEqual([])
  expect(parseJsonText(`{${[...members, '"k4999":1'].join()}}`).duplicates).toEqual(['duplicate field "k4999"'])
})

// Texts of Go's encoding/json.
test.each([
  ['', 'unexpected end of JSON input'],
  ['{', 'unexpected end of JSON input'],
  ['{"a":"b', 'unexpected end of JSON input'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{} {}', "invalid character '{' after top-level value"],
  ['01', "invalid character '1' after top-level value"],
  ['-a', "invalid character 'a' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1e', "invalid character ' ' in exponent of numeric literal"],
  ['tru', "invalid character ' ' in literal true (expecting 'e')"],
  ['[1e999,]', "invalid character ']' looking for beginning of value"],
  ['1e+x', "invalid character 'x' in exponent of numeric literal"],
  ['trux', "invalid character 'x' in literal true (expecting 'e')"],
  ['nil', "invalid character 'i' in literal null (expecting 'u')"],
  ['"\n"', "invalid character '\\n' in string literal"],
  ['"\u0001"', "invalid character '\\x01' in string literal"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ["'a'", "invalid character '\\'' looking for beginning of value"],
  ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
  ['1e999', 'json: cannot unmarshal number 1e999 into Go value of type float64'],
])('complaint about %s', (text, message) => expect(() => parseJsonText(text)).toThrow(new Error(message)))

test('depth has Go’s limit', () => {
  const nested = (depth: number) => parseJsonText('[{"a":'.repeat(depth / 2) + 0 + '}]'.repeat(depth / 2))
  expect(nested(10_000).irregular).toBe(false)
  expect(() => nested(10_002)).toThrow('exceeded max depth')
  expect(() => parseJsonText('[[1]]', 1)).toThrow('exceeded max depth')
})

test('integers of int64 stay exact, larger ones are doubles', () => {
  const { value, irregular } = parseJsonText(
    '[9007199254740991,9007199254740993,-9223372036854775808,9223372036854775807,9223372036854775808,-0,1e2]',
  )
  expect(irregular).toBe(true)
  expect(value).toEqual([9007199254740991, 9007199254740993n, -9223372036854775808n, 9223372036854775807n, 2 ** 63, 0, 100])
  expect(encodeJson(value)).toBe('[9007199254740991,9007199254740993,-9223372036854775808,9223372036854775807,9223372036854776000,0,100]')
})

test('bad UTF-8 and lone surrogates become U+FFFD one by one', () => {
  expect(parseJson(Buffer.from([0x22, 0xff, 0xe2, 0x82, 0x61, 0xc3, 0xa9, 0x22])).value).toBe('\ufffd\ufffd\ufffdaé')
  expect(parseJsonText('"\\ud800x\\ud83d\\ude00\\udc00"').value).toBe('\ufffdx😀\ufffd')
})

test('awkward keys are own properties and reach no prototype', () => {
  const { value, irregular } = parseJsonText('{"__proto__":{"polluted":1},"constructor":2,"10":3,"9":4}')
  expect(irregular).toBe(true)
  expect(Object.keys(value as object).sort()).toEqual(['10', '9', '__proto__', 'constructor'])
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(({} as { polluted?: number }).polluted).toBe(undefined)
  expect(encodeJson(value)).toBe('{"10":3,"9":4,"__proto__":{"polluted":1},"constructor":2}')
})

test('writes as Go does', () => {
  expect(encodeJson({ b: '<a href="x">&\u2028\u2029\b\f\u0000\u007f', a: undefined })).toBe(
    '{"b":"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\b\\f\\u0000\u007f"}',
  )
  expect(encodeJson({ z: 1, data: { b: 1, 9: 1, 10: 1, a: [1n, undefined] } })).toBe('{"z":1,"data":{"10":1,"9":1,"a":[1,null],"b":1}}')
  expect(encodeJson({ a: ',"10":' })).toBe('{"a":",\\"10\\":"}')
  expect(encodeJson(undefined)).toBe('null')
})

test('keys sort by bytes', () => {
  expect(sortedKeys({ '\uffff': 1, '😀': 1, a: 1 })).toEqual(['a', '\uffff', '😀'])
  expect(compareBytes('a', 'ab')).toBeLessThan(0)
})

test('facts of a scan', () => {
  const facts = (text: string) => scanJson(Buffer.from(text))
  expect(facts('{"10":1}').integerKeys).toBe(true)
  expect(facts('{"a":"10"}').integerKeys).toBe(false)
  expect(facts('{"a":"__proto__"}').protoKeys).toBe(false)
  expect(facts('{"a":123456789012345,"b":-1.5e10}').unsafeNumbers).toBe(false)
  expect(facts('[[],[[]]]').depth).toBe(3)
  expect(scanJson(Buffer.from([0x22, 0xff, 0x22])).badUtf8).toBe(true)
})

test('the plain and the exact way agree on seeded values', () => {
  const random = seededRandom(7)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const keys = ['a', 'b', '10', '9', 'constructor', '__proto__', 'f:x', 'k:{"name":"a"}', 'é', '\u2028', 'a/b', '']
  const value = (depth: number): Json => {
    const kind = depth > 4 ? Math.floor(random() * 4) : Math.floor(random() * 6)
    if (kind === 0) return pick([0, 1, -1, 1.5, 1e21, 1e-7, 2 ** 53 - 1, 9007199254740993n, true, false, null])
    if (kind <= 3) return pick([...keys, '<>&', '"\\/\b\f\n\r\t\u0001', '😀'])
    if (kind === 4) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1))
    const object: { [key: string]: Json } = {}
    for (let i = Math.floor(random() * 30); i > 0; i--) putKey(object, random() < 0.3 ? pick(keys) : `k${i}`, value(depth + 2))
    return object
  }
  for (let round = 0; round < 300; round++) {
    const made = value(0)
    const bytes = Buffer.from(encodeJson(made))
    const parsed = parseJson(bytes)
    expect(parsed.duplicates).toEqual([])
    expect(sameJson(parsed.value, made)).toBe(true)
    expect(sameJson(parseExactly(bytes, 100).value, made)).toBe(true)
    const broken = Buffer.from(bytes)
    broken[Math.floor(random() * broken.length)] = Math.floor(random() * 128)
    agreeOnSyntax(broken)
  }
})

const agreeOnSyntax = (bytes: Uint8Array) => {
  const accepted = (parse: () => unknown): boolean => {
    try {
      parse()
      return true
    } catch (error) {
      if (String(error).includes('cannot unmarshal')) return true
      return false
    }
  }
  expect(accepted(() => parseExactly(bytes, 100))).toBe(accepted(() => JSON.parse(new TextDecoder().decode(bytes))))
}

test('a key written with escapes is not taken for one that an earlier object had', () => {
  // JSON.parse alone reads both as `x\\`.
  for (const first of ['{"before":1,"x\\\\":1}', '{"before":1,"k:{\\\\\\"a":1}']) JSON.parse(first)
  const text = '{"before":1,"x\\"":2,"list":[{"before":1,"k:{\\"a\\"}":1}]}'
  expect(parseJsonText(text).value).toEqual({ before: 1, 'x"': 2, list: [{ before: 1, 'k:{"a"}': 1 }] })
  expect(parseOwnJson(text)).toEqual({ before: 1, 'x"': 2, list: [{ before: 1, 'k:{"a"}': 1 }] })
})
