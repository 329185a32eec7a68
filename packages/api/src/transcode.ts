import {
  compileSchemas,
  decodeCbor,
  decodeObject,
  dumpYaml,
  encodeCbor,
  encodeSortedJson,
  encodeValue,
  type FieldFacts,
  isJsonObject,
  type Json,
  loadYaml,
  type ObjectSchema,
  parseJson,
  parseJsonText,
  type TypeFacts,
  writeEnvelope,
} from '@skiff/machinery'
import { formats } from './decode-formats.ts'
import { typeFacts } from './facts.ts'
import { decodeProtobuf, encodeProtobuf, messageOfKind, typeNameOfKind } from './protobuf.ts'

export const wireFormats = ['json', 'yaml', 'protobuf', 'cbor'] as const
export type WireFormat = (typeof wireFormats)[number]

/**
 * An object in another form, in the bytes of upstream's serializers: read by its kind's type without defaults, and written with what
 * Go writes of unset fields. What no built-in kind describes is kept as it is, with its keys sorted. Throws upstream's texts.
 */
export const transcode = (bytes: Uint8Array, from: WireFormat, to: WireFormat): Buffer => {
  const value = readers[from](bytes)
  const { apiVersion, kind } = namesOf(value)
  const typeName = typeNameOfKind(apiVersion, kind)
  if (typeName === undefined) return writeUntyped(value, to)
  const schema = plainSchemaOf(typeName)
  const { object } = decodeObject(schema, value as Readonly<Record<string, unknown>>, formats)
  return writeTyped({ schema, object, apiVersion, kind }, to)
}

const readers: Readonly<Record<WireFormat, (bytes: Uint8Array) => unknown>> = {
  json: (bytes) => parseJson(bytes).value,
  yaml: (bytes) => sorted(loadYaml(Buffer.from(bytes).toString()).value),
  protobuf: (bytes) => decodeProtobuf(bytes),
  cbor: (bytes) => sorted(decodeCbor(bytes)),
}

/** Both go through Go's maps, which leaves its mark on what is kept as raw JSON. */
const sorted = (value: Json): Json => parseJsonText(encodeSortedJson(value)).value

const namesOf = (value: unknown): { readonly apiVersion: string; readonly kind: string } => {
  const given = isJsonObject(value) ? value : {}
  for (const [word, name] of [
    ['Kind', given.kind],
    ['apiVersion', given.apiVersion],
  ])
    if (typeof name !== 'string' || name === '') throw new Error(`Object '${word as string}' is missing in '${encodeSortedJson(value)}'`)
  return { apiVersion: given.apiVersion as string, kind: given.kind as string }
}

interface TypedObject {
  readonly schema: ObjectSchema
  readonly object: Readonly<Record<string, unknown>>
  readonly apiVersion: string
  readonly kind: string
}

const writeTyped = ({ schema, object, apiVersion, kind }: TypedObject, to: WireFormat): Buffer => {
  switch (to) {
    case 'json':
      return Buffer.from(`${encodeValue(schema, object)}\n`)
    case 'yaml':
      return Buffer.from(dumpYaml(parseJsonText(encodeValue(schema, object)).value))
    case 'cbor':
      return encodeCbor(object, { is: 'object', schema })
    case 'protobuf': {
      const message = messageOfKind(apiVersion, kind)
      if (!message) throw noProtobuf(`*${apiVersion.slice(apiVersion.indexOf('/') + 1)}.${kind}`)
      return writeEnvelope({ apiVersion, kind, raw: encodeProtobuf(message, object) })
    }
  }
}

const noProtobuf = (goType: string): Error =>
  new Error(`object ${goType} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`)

const writeUntyped = (value: unknown, to: WireFormat): Buffer => {
  switch (to) {
    case 'json':
      return Buffer.from(`${encodeSortedJson(value)}\n`)
    case 'yaml':
      return Buffer.from(dumpYaml(value as Json))
    case 'cbor':
      return encodeCbor(value)
    case 'protobuf':
      throw noProtobuf('*unstructured.Unstructured')
  }
}

const metadataType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** Metadata with its fields in Go's order. */
export const orderedMetadata = (metadata: object): unknown =>
  JSON.parse(encodeValue(plainSchemaOf(metadataType), metadata as Readonly<Record<string, unknown>>))

/** An object in its wire JSON as CBOR: by the type of its kind, or as Go's untyped values where the facts have none. */
export const cborOf = (value: unknown): Buffer => {
  const { apiVersion, kind } = value as { readonly apiVersion?: string; readonly kind?: string }
  const typeName = kind === undefined ? undefined : typeNameOfKind(apiVersion ?? '', kind)
  return typeName === undefined ? encodeCbor(value) : encodeCbor(value, { is: 'object', schema: plainSchemaOf(typeName) })
}

let plainSchemas: ((typeName: string) => ObjectSchema) | undefined
/** The type as Go's encoders know it: nothing is filled in, and a list that was sent empty is not one that was not sent. */
const plainSchemaOf = (typeName: string): ObjectSchema => {
  plainSchemas ??= compileSchemas({ types: Object.fromEntries(Object.entries(typeFacts).map(([name, facts]) => [name, plain(facts)])) })
  return plainSchemas(typeName)
}

const plain = (facts: TypeFacts): TypeFacts =>
  facts.fields
    ? { ...facts, fields: Object.fromEntries(Object.entries(facts.fields).map(([name, field]) => [name, plainField(field)])) }
    : facts

const plainField = ({ default: _, ...field }: FieldFacts): FieldFacts => ({
  ...field,
  ptr: field.ptr === true || (field.zero === null && (field.type === 'array' || field.type === 'map')),
})
