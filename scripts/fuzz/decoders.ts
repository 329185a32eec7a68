import { decodeProtobuf, transcode, type WireFormat } from '@skiff/api'
import {
  decodeCbor,
  dumpYaml,
  encodeCbor,
  encodeJson,
  encodeSortedJson,
  type Json,
  loadYaml,
  parseJson,
  parseJsonText,
  sameJson,
} from '@skiff/machinery'
import { objectOf, sampleKinds } from './samples.ts'
import { mostNested, must, outcomeOf, type Target } from './target.ts'

const objects = (random: () => number): Buffer[] => sampleKinds.map((kind) => Buffer.from(JSON.stringify(objectOf(kind, random))))
const formOf =
  (form: WireFormat) =>
  (random: () => number): Buffer[] =>
    objects(random).map((bytes) => transcode(bytes, 'json', form))

const shapeOf = (value: unknown): string =>
  Array.isArray(value) ? `list ${Math.min(value.length, 8)}` : value === null ? 'null' : typeof value

/** A typed value that came in can go out in every other form, and what comes back from JSON is the same. */
const typedRound = (input: Buffer, form: WireFormat): string =>
  outcomeOf(() => {
    const json = transcode(input, form, 'json')
    must(transcode(json, 'json', 'json').equals(json), `JSON of ${form} changes when it is read again`)
    return `typed ${Math.min(json.length >> 6, 40)}`
  })

export const jsonDecoder: Target = {
  name: 'json',
  seeds: (random) => [
    ...objects(random),
    '[1,-0,1e5,9007199254740993,"\\ud83d\\ude00",{"a":1,"a":2,"__proto__":{"10":null}}]',
    '"\\u0000"',
  ],
  words: ['\\u005f\\u005fproto__', '1.0E+2', '\\ud83d', '0x1', '9223372036854775807', '"a":1,"a":1'],
  run: (input) => {
    outcomeOf(() => String(parseJson(input).duplicates.length))
    return outcomeOf(() => {
      const { value, duplicates } = parseJson(input, mostNested)
      const typed = typedRound(input, 'json')
      const text = encodeJson(value)
      const again = parseJson(Buffer.from(text)).value
      // A number beyond the safe integers is written by its shortest digits, as Go does, and is an integer when it is read.
      must(/\d{16}/.test(text) || sameJson(again, value), `what was read is not what comes back: ${text} is read as ${encodeJson(again)}`)
      must(encodeJson(again) === text, 'its text changes')
      return `${shapeOf(value)} ${duplicates.length} ${typed}`
    })
  },
}

export const yamlDecoder: Target = {
  name: 'yaml',
  seeds: (random) => [
    ...formOf('yaml')(random),
    'a: &a [x, y]\nb: *a\nc:\n  <<: {d: 1}\n  e: 0o17\n',
    '? [a]\n: b\n',
    'a: |\n  text\nb: >-\n  folded\n  more\n---\nc: d\n',
    'a: &a {b: &b {c: 1}}\nd: [*a, *b]\n',
    '{"a": [1, 2.5, "x"]}',
    '- !!binary aGVsbG8=\n- !!int "3"\n- .inf\n- 2001-01-01\n- 0x1F\n- 1_000\n- yes\n',
  ],
  words: [
    '&a ',
    '*a',
    '<<: ',
    '- ',
    '? ',
    ': ',
    '|\n',
    '>+\n',
    '%YAML 1.1\n---\n',
    '!!str ',
    '!!map ',
    '...\n',
    '#',
    '\n  ',
    '{',
    '}',
    '[',
    ']',
  ],
  run: (input) => {
    return outcomeOf(() => {
      const { value } = loadYaml(input.toString(), mostNested)
      const typed = typedRound(input, 'yaml')
      const text = encodeSortedJson(value)
      // A block at the root of a document is indented otherwise by the parser than by libyaml.
      if (typeof value === 'string') return 'text'
      // What the printer writes is read back as the same, whatever was in it.
      const again = loadYaml(dumpYaml(parseJsonText(text).value)).value
      must(encodeSortedJson(again) === text, 'YAML that was written is read otherwise')
      return `${shapeOf(value)} ${typed}`
    })
  },
}

export const protobufDecoder: Target = {
  name: 'protobuf',
  seeds: formOf('protobuf'),
  words: [
    'k8s\u0000',
    '\u0008\u0096\u0001',
    '\u000a\u0000',
    '\u00ff\u00ff\u00ff\u00ff\u000f',
    '\u001a\u0002{}',
    '\u0012\u0004\u000a\u0002[]',
  ],
  run: (input) =>
    outcomeOf(() => {
      const value = decodeProtobuf(input) as Json
      const written = transcode(input, 'protobuf', 'protobuf')
      must(transcode(written, 'protobuf', 'protobuf').equals(written), 'the second encoding differs from the first')
      return `${shapeOf(value)} ${Math.min(written.length >> 6, 40)}`
    }),
}

export const cborDecoder: Target = {
  name: 'cbor',
  seeds: (random) => [
    ...formOf('cbor')(random),
    encodeCbor({ a: [1, -1, 2.5, 1e300, true, null, 'ü'], 10: {}, __proto__: 1 }),
    Buffer.from('9f018202039f0405ffff', 'hex'),
    Buffer.from('bf6346756ef563416d7421ff', 'hex'),
    Buffer.from('c11a514b67b0', 'hex'),
    Buffer.from('5f42010243030405ff', 'hex'),
  ],
  run: (input) => {
    const typed = typedRound(input, 'cbor')
    return outcomeOf(() => {
      const value = decodeCbor(input)
      must(sameJson(decodeCbor(encodeCbor(value)), value), 'what was read is not what comes back')
      return `${shapeOf(value)} ${typed}`
    })
  },
}
