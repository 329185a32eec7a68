import {
  createWriter,
  encodeJson,
  putDouble,
  putInteger,
  putLength,
  putTag,
  putText,
  putVarint,
  type Writer,
  written,
  writtenBytes,
} from '@skiff/machinery'
import type { Schema } from './schemas.ts'

// OpenAPI v2 in gnostic's protobuf, which kubectl asks for: field numbers of its openapi.v2 package, for what our documents hold.

type Put = (writer: Writer, number: number, value: unknown) => void
/** Fields by their JSON name, in the order of their numbers. */
type Fields = readonly (readonly [name: string, number: number, put: Put])[]

const inner = (writer: Writer, number: number, put: () => void): void => {
  const before = written(writer)
  put()
  putLength(writer, number, before)
}

const text: Put = (writer, number, value) => inner(writer, number, () => putText(writer, String(value)))
const flag: Put = (writer, number, value) => {
  putVarint(writer, value ? 1 : 0)
  putTag(writer, number, 0)
}
const whole: Put = (writer, number, value) => {
  putInteger(writer, value as number)
  putTag(writer, number, 0)
}
const real: Put = (writer, number, value) => {
  putDouble(writer, value as number)
  putTag(writer, number, 1)
}
/** Any value, as YAML: JSON is YAML. */
const any: Put = (writer, number, value) => inner(writer, number, () => text(writer, 2, `${encodeJson(value)}\n`))

const each =
  (put: Put): Put =>
  (writer, number, value) => {
    const list = value as readonly unknown[]
    for (let index = list.length - 1; index >= 0; index--) put(writer, number, list[index])
  }
/** A value in a message that holds nothing else. */
const within =
  (field: number, put: Put): Put =>
  (writer, number, value) =>
    inner(writer, number, () => put(writer, field, value))

/** Entries of an object as repeated messages of name and value. */
const named =
  (put: Put): Put =>
  (writer, number, value) => {
    const entries = Object.entries(value as Schema)
    for (let index = entries.length - 1; index >= 0; index--) {
      const [name, member] = entries[index] as [string, unknown]
      inner(writer, number, () => {
        put(writer, 2, member)
        text(writer, 1, name)
      })
    }
  }

/** A message: its extensions (x-…) go into the field `extensions`. Fields are looked up when it is written, since schemas hold schemas. */
const message =
  (fields: () => Fields, extensions: number): Put =>
  (writer, number, value) =>
    inner(writer, number, () => putFields(writer, fields(), extensions, value as Schema))

const putFields = (writer: Writer, fields: Fields, extensions: number, value: Schema): void => {
  const extra = Object.entries(value).filter(([name]) => name.startsWith('x-'))
  if (extra.length > 0) named(any)(writer, extensions, Object.fromEntries(extra))
  for (let index = fields.length - 1; index >= 0; index--) {
    const [name, field, put] = fields[index] as Fields[number]
    if (value[name] !== undefined) put(writer, field, value[name])
  }
}

const schema = message(() => schemaFields, 31)
const schemaFields: Fields = [
  ['$ref', 1, text],
  ['format', 2, text],
  ['title', 3, text],
  ['description', 4, text],
  ['default', 5, any],
  ['multipleOf', 6, real],
  ['maximum', 7, real],
  ['exclusiveMaximum', 8, flag],
  ['minimum', 9, real],
  ['exclusiveMinimum', 10, flag],
  ['maxLength', 11, whole],
  ['minLength', 12, whole],
  ['pattern', 13, text],
  ['maxItems', 14, whole],
  ['minItems', 15, whole],
  ['uniqueItems', 16, flag],
  ['maxProperties', 17, whole],
  ['minProperties', 18, whole],
  ['required', 19, each(text)],
  ['enum', 20, each(any)],
  [
    'additionalProperties',
    21,
    (writer, number, value) => (typeof value === 'boolean' ? within(2, flag) : within(1, schema))(writer, number, value),
  ],
  ['type', 22, within(1, text)],
  ['items', 23, within(1, schema)],
  ['allOf', 24, each(schema)],
  ['properties', 25, within(1, named(schema))],
]

const pathParameter = message(
  () => [
    ['required', 1, flag],
    ['in', 2, text],
    ['description', 3, text],
    ['name', 4, text],
    ['type', 5, text],
    ['uniqueItems', 20, flag],
  ],
  22,
)
const queryParameter = message(
  () => [
    ['required', 1, flag],
    ['in', 2, text],
    ['description', 3, text],
    ['name', 4, text],
    ['type', 6, text],
    ['uniqueItems', 20, flag],
  ],
  23,
)
const bodyParameter = message(
  () => [
    ['description', 1, text],
    ['name', 2, text],
    ['in', 3, text],
    ['required', 4, flag],
    ['schema', 5, schema],
  ],
  6,
)
/** Parameter and, for all but a body, NonBodyParameter around it. */
const definedParameter: Put = (writer, number, value) => {
  const place = (value as { readonly in: string }).in
  const put =
    place === 'body' ? within(1, bodyParameter) : within(2, place === 'path' ? within(4, pathParameter) : within(3, queryParameter))
  put(writer, number, value)
}
/** ParametersItem: a parameter, or the name of a shared one. */
const parameter: Put = (writer, number, value) => {
  const { $ref } = value as { readonly $ref?: string }
  if ($ref === undefined) within(1, definedParameter)(writer, number, value)
  else within(2, within(1, text))(writer, number, $ref)
}

const response = within(
  1,
  message(
    () => [
      ['description', 1, text],
      ['schema', 2, within(1, schema)],
    ],
    5,
  ),
)
const operation = message(
  () => [
    ['tags', 1, each(text)],
    ['description', 3, text],
    ['operationId', 5, text],
    ['produces', 6, each(text)],
    ['consumes', 7, each(text)],
    ['parameters', 8, each(parameter)],
    ['responses', 9, within(1, named(response))],
    ['schemes', 10, each(text)],
  ],
  13,
)
const pathItem = message(
  () => [
    ['get', 2, operation],
    ['put', 3, operation],
    ['post', 4, operation],
    ['delete', 5, operation],
    ['options', 6, operation],
    ['head', 7, operation],
    ['patch', 8, operation],
    ['parameters', 9, each(parameter)],
  ],
  10,
)
const info = message(
  () => [
    ['title', 1, text],
    ['version', 2, text],
  ],
  7,
)
const keySecurity = message(
  () => [
    ['type', 1, text],
    ['name', 2, text],
    ['in', 3, text],
    ['description', 4, text],
  ],
  5,
)

const documentFields: Fields = [
  ['swagger', 1, text],
  ['info', 2, info],
  ['paths', 8, within(2, named(pathItem))],
  ['definitions', 9, within(1, named(schema))],
  ['parameters', 10, within(1, named(definedParameter))],
  ['security', 12, each(within(1, named(within(1, each(text)))))],
  ['securityDefinitions', 13, within(1, named(within(2, keySecurity)))],
]

/** The bytes of a v2 document. */
export const encodeDocument2 = (document: Schema): Buffer => {
  const writer = createWriter(1024 * 1024)
  putFields(writer, documentFields, 16, document)
  return writtenBytes(writer)
}
