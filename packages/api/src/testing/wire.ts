import type { FieldFacts as MachineryFacts } from '@skiff/machinery'
import { typeFacts } from '../facts.ts'

// Protobuf once more, straight from the facts' field numbers and Go's rules, sharing nothing with what it is compared to.

type Value = Readonly<Record<string, unknown>>
/** A list of strings that protobuf holds in a message of its own. */
type FieldFacts = MachineryFacts & { readonly protoRef?: string }

const varint = (value: number | bigint): Buffer => {
  let rest = BigInt.asUintN(64, BigInt(value))
  const bytes: number[] = []
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
const number = (field: number, value: number | bigint): Buffer => Buffer.concat([varint(field * 8), varint(value)])
const block = (field: number, bytes: Uint8Array): Buffer => Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
const text = (field: number, value: string): Buffer => block(field, Buffer.from(value))
const double = (field: number, value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return Buffer.concat([varint(field * 8 + 1), bytes])
}

const timestamp = (value: unknown): Buffer => {
  if (typeof value !== 'string') return Buffer.alloc(0)
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(value) ?? []
  return Buffer.concat([number(1, Date.parse(`${whole}Z`) / 1000), number(2, Number(fraction.padEnd(9, '0')))])
}
/** Whole seconds alone: what the samples hold. */
const duration = (value: unknown): Buffer => number(1, BigInt(String(value ?? '0s').replace('s', '')) * 1_000_000_000n)
const intOrString = (value: unknown): Buffer =>
  typeof value === 'string'
    ? Buffer.concat([number(1, 1), number(2, 0), text(3, value)])
    : Buffer.concat([number(1, 0), number(2, Number(value ?? 0)), text(3, '')])
const json = (value: unknown): Buffer => (value === undefined ? Buffer.alloc(0) : text(1, JSON.stringify(value)))
const strings = (value: unknown): Buffer => Buffer.concat(((value ?? []) as string[]).map((each) => text(1, each)))

const byFormat: Readonly<Record<string, (value: unknown) => Buffer>> = {
  'date-time': timestamp,
  'micro-time': timestamp,
  duration,
  quantity: (value) => text(1, String(value ?? '0')),
  'int-or-string': intOrString,
}
const props = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'
const schema = (value: unknown): Buffer => message(props, value as Value)
const byName: Readonly<Record<string, (value: unknown) => Buffer>> = {
  RawExtension: json,
  FieldsV1: json,
  JSON: json,
  ExtraValue: strings,
  Verbs: strings,
  JSONSchemaPropsOrArray: (value) =>
    Array.isArray(value) ? Buffer.concat(value.map((each) => block(2, schema(each)))) : block(1, schema(value)),
  JSONSchemaPropsOrBool: (value) =>
    typeof value === 'boolean' ? number(1, value ? 1 : 0) : Buffer.concat([number(1, 1), block(2, schema(value))]),
  JSONSchemaPropsOrStringArray: (value) =>
    Array.isArray(value) ? Buffer.concat(value.map((each) => text(2, each))) : block(1, schema(value)),
}

/** What a message of one value holds. */
const content = (facts: FieldFacts, value: unknown): Buffer => {
  if (facts.format) return (byFormat[facts.format] as (value: unknown) => Buffer)(value)
  const ref = facts.protoRef ?? facts.ref ?? ''
  const special = byName[ref.slice(ref.lastIndexOf('.') + 1)]
  return special ? special(value) : message(ref, (value ?? {}) as Value)
}

const single = (field: number, facts: FieldFacts, type: string | undefined, value: unknown): Buffer => {
  switch (type) {
    case 'string':
      return text(field, String(value ?? ''))
    case 'bytes':
      return block(field, Buffer.from(String(value ?? ''), 'base64'))
    case 'bool':
      return number(field, value ? 1 : 0)
    case 'double':
      return double(field, Number(value))
    case 'message':
      return block(field, content(facts, value))
    default:
      return number(field, Number(value ?? 0))
  }
}

const isMapOrList = (facts: FieldFacts): boolean => facts.type === 'array' || facts.type === 'map'

const whole = (field: number, facts: FieldFacts, value: unknown): Buffer => {
  if (facts.type === 'array' && !facts.protoRef)
    return Buffer.concat(((value ?? []) as unknown[]).map((each) => single(field, facts.items as FieldFacts, facts.protoType, each)))
  if (facts.type === 'map') {
    const values = facts.values as FieldFacts
    const keys = Object.keys((value ?? {}) as Value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    return Buffer.concat(
      keys.map((key) => block(field, Buffer.concat([text(1, key), single(2, values, values.protoType, (value as Value)[key])]))),
    )
  }
  return single(field, facts, facts.protoType, value)
}

/** Go writes what it holds by value always; a pointer, a list, a map and bytes where there is one. */
const isWritten = (facts: FieldFacts, value: unknown): boolean =>
  value !== undefined || !(facts.ptr || isMapOrList(facts) || facts.protoType === 'bytes')

/** A field's bytes with the numbers of the messages around it that JSON flattens. */
interface Part {
  readonly path: readonly number[]
  readonly bytes: Buffer
}

const assembled = (parts: readonly Part[], depth: number): Buffer => {
  const byNumber = new Map<number, Part[]>()
  for (const part of parts) {
    const at = part.path[depth] as number
    byNumber.set(at, [...(byNumber.get(at) ?? []), part])
  }
  const ordered = [...byNumber].sort(([a], [b]) => a - b)
  return Buffer.concat(
    ordered.map(([field, own]) => {
      const [only] = own
      return only && only.path.length === depth + 1 ? only.bytes : block(field, assembled(own, depth + 1))
    }),
  )
}

/** The bytes of a type's fields, in the order of their numbers. */
export const message = (typeName: string, value: Value): Buffer => {
  const parts = Object.entries(typeFacts[typeName]?.fields ?? {}).flatMap(([name, facts]): Part[] => {
    if (facts.proto === undefined) return []
    const path = typeof facts.proto === 'number' ? [facts.proto] : facts.proto
    const own = Object.hasOwn(value, name) ? value[name] : undefined
    return [{ path, bytes: isWritten(facts, own) ? whole(path[path.length - 1] as number, facts, own) : Buffer.alloc(0) }]
  })
  return assembled(parts, 0)
}

/** The envelope around a message: magic, then runtime.Unknown with its type, the raw bytes and two empty texts. */
export const enveloped = (apiVersion: string, kind: string, raw: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    block(1, Buffer.concat([text(1, apiVersion), text(2, kind)])),
    block(2, raw),
    text(3, ''),
    text(4, ''),
  ])

/** A frame of a watch: its length in four bytes, then a bare WatchEvent with the enveloped object as a raw extension. */
export const watchFrame = (type: string, object: Uint8Array): Buffer => {
  const event = Buffer.concat([text(1, type), block(2, block(1, object))])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length)
  return Buffer.concat([length, event])
}
