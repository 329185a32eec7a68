import { type Codec, formats, prune, type Structural, unknownIn, unknownInEmbedded, withEmbeddedMeta, withSchemaDefaults } from '@skiff/api'
import {
  DecodeError,
  decodeObject,
  encodeUntyped,
  goKindOf,
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
  type ObjectSchema,
  unknownFields,
} from '@skiff/machinery'

type Input = Readonly<Record<string, unknown>>

/** Reads and writes objects of a definition's version. Types are the validation's to check; metadata has its own schema. */
export const customCodec = (schema: Structural, meta: ObjectSchema, preserves: boolean): Codec => ({
  decode: (input) => {
    const { object: metadata, hasUnknown } = decodeObject(meta, metadataOf(input), formats)
    const bare = { ...input, metadata: {} } as unknown as JsonObject
    const pruned = preserves ? bare : prune(schema, bare, true)
    const coerced = withEmbeddedMeta(schema, pruned)
    const whole = withSchemaDefaults(schema, coerced) as JsonObject
    return { object: { ...whole, metadata } as unknown as KubeObject, hasUnknown: hasUnknown || coerced !== bare }
  },
  unknown: (input) => unknownOf(schema, meta, input, preserves),
  encode: (object) => encodeUntyped(meta, object as unknown as Input),
})

const metadataOf = ({ metadata }: Input): JsonObject => {
  if (metadata === undefined || metadata === null) return {}
  if (isJsonObject(metadata as Json)) return metadata as JsonObject
  throw new DecodeError(`json: cannot unmarshal ${goKindOf(metadata as Json)} into Go value of type v1.ObjectMeta`)
}

const unknownOf = (schema: Structural, meta: ObjectSchema, input: Input, preserves: boolean): readonly string[] => {
  const inMetadata = isJsonObject(input.metadata)
    ? unknownFields(meta, input.metadata).map((text) => text.replace('unknown field "', 'unknown field "metadata.'))
    : []
  const body = input as JsonObject
  const pruned = preserves ? body : prune(schema, body, true)
  return [...inMetadata, ...(preserves ? [] : unknownIn(schema, body)), ...unknownInEmbedded(schema, pruned)]
}
