import {
  compileSchemas,
  type Decoded,
  DecodeError,
  decodeObject,
  isJsonArray,
  isJsonObject,
  type Json,
  type ObjectSchema,
} from '@skiff/machinery'
import { formats } from '../../decode-formats.ts'
import { typeFacts } from '../../facts.ts'

let compiled: ObjectSchema | undefined

/** The metadata that every object has. */
export const objectMetaSchema = (): ObjectSchema => {
  compiled ??= compileSchemas({ types: typeFacts, defaults: () => undefined })('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')
  return compiled
}

const goName = (value: Json): string => {
  if (isJsonArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'number' : typeof value
}

/** Reads metadata; throws a DecodeError for what is none. */
export const decodeMeta = (value: Json): Decoded => {
  if (value === null) return { object: {}, hasUnknown: false }
  if (!isJsonObject(value)) throw new DecodeError(`json: cannot unmarshal ${goName(value)} into Go value of type v1.ObjectMeta`)
  return decodeObject(objectMetaSchema(), value, formats)
}
