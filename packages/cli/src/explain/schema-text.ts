import { goText, isJsonObject, type Json, type JsonObject, sortedKeys } from '@skiff/machinery'
import { at, listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { indentLines, wrapWords } from './wrap.ts'

// One OpenAPI v3 schema as text: what it is, its fields, and the fields of those.

type Seen = ReadonlySet<string>

const refOf = (schema: JsonObject): string => textAt(schema, ['$ref'])
const resolved = (schema: JsonObject, document: JsonObject): JsonObject => {
  const ref = refOf(schema)
  const found = ref.startsWith('#/') ? at(document, ref.slice(2).split('/')) : undefined
  return isJsonObject(found) ? found : schema
}
/** The schema of a list's items or of a map's values. */
const inner = (schema: JsonObject, key: 'items' | 'additionalProperties'): JsonObject | undefined => {
  const found = schema[key]
  return isJsonObject(found) && Object.keys(found).length > 0 ? found : undefined
}

/** `[]Container`, `map[string]string`: a type as a reader thinks of it. */
export const typeText = (schema: JsonObject, document: JsonObject): string => {
  const [items, values, all] = [inner(schema, 'items'), inner(schema, 'additionalProperties'), listAt(schema, 'allOf')]
  if (items) return `[]${typeText(items, document)}`
  if (values) return `map[string]${typeText(values, document)}`
  if (all.length === 1 && schema.properties === undefined) return typeText(all[0] as JsonObject, document)
  const ref = refOf(schema)
  if (ref === '') return textAt(schema, 'type') === 'object' ? 'Object' : textAt(schema, 'type') || 'Object'
  const target = resolved(schema, document)
  const type = target === schema ? '' : textAt(target, 'type')
  return type === '' || type === 'object' ? (ref.split('/').at(-1)?.split('.').at(-1) as string) || 'Object' : type
}

const enumValues = (schema: JsonObject): readonly string[] =>
  ((schema.enum as readonly Json[] | undefined) ?? []).map((value) => (value === '' ? '""' : goText(value)))

const shownEnums = 4
const shortEnum = (schema: JsonObject, indent: number): string => {
  const values = enumValues(schema)
  if (values.length === 0) return ''
  const more = values.length > shownEnums ? ', ....' : ''
  return `\n${' '.repeat(indent)}enum: ${values.slice(0, shownEnums).join(', ')}${more}`
}

/** The description of a schema, followed by those of what it is made of. */
const descriptionText = (schema: JsonObject, document: JsonObject): string => {
  const here = resolved(schema, document)
  const own = textAt(here, 'description')
  const parts = [...listAt(here, 'allOf'), inner(here, 'items'), inner(here, 'additionalProperties')]
  return `${own === '' ? '' : `${own}\n`}${parts.map((part) => (part ? descriptionText(part, document) : '')).join('')}`
}

interface FieldOptions {
  readonly document: JsonObject
  readonly recursive: boolean
}

const fieldText = (name: string, schema: JsonObject, level: number, { document, recursive }: FieldOptions): string => {
  const field = mapAt(schema, ['properties', name])
  const indent = level * 2
  const required = textsAt(schema, 'required').includes(name) ? ' -required-' : ''
  const head = `${indentLines(name, indent)}\t<${typeText(field, document)}>${required}${shortEnum(field, indent)}\n`
  if (recursive) return head
  return `${head}${indentLines(wrapWords(textAt(field, 'description') || '<no description>', 78 - indent), indent + 2)}\n\n`
}

const fieldsText = (schema: JsonObject, level: number, seen: Seen, options: FieldOptions): string => {
  const ref = refOf(schema)
  if (ref !== '' && seen.has(ref)) return ''
  const now = new Set([...seen, ref])
  const here = resolved(schema, options.document)
  const own = sortedKeys(mapAt(here, 'properties')).map((name) => {
    const text = fieldText(name, here, level, options)
    return options.recursive ? text + fieldsText(mapAt(here, ['properties', name]), level + 1, now, options) : text
  })
  const parts = [...listAt(here, 'allOf'), inner(here, 'items'), inner(here, 'additionalProperties')]
  return own.join('') + parts.map((part) => (part ? fieldsText(part, level, now, options) : '')).join('')
}

/** The text of the field at a path from a schema; '' where there is none. */
export const explainSchema = (schema: JsonObject, path: readonly string[], options: FieldOptions, seen: Seen = new Set()): string => {
  const { document } = options
  const ref = refOf(schema)
  const here = resolved(schema, document)
  const [name, ...rest] = path
  if (name === undefined) {
    const description = indentLines(wrapWords(descriptionText(here, document) || '<empty>', 76), 4)
    const fields = fieldsText(here, 1, new Set(), options)
    return `DESCRIPTION:\n${description}\n${fields === '' ? '' : `FIELDS:\n${fields}`}`
  }
  if (ref !== '' && seen.has(ref)) return ''
  const now = new Set([...seen, ref])
  const field = at(here, ['properties', name])
  if (isJsonObject(field)) {
    const values = enumValues(field)
    const listed = values.length === 0 ? '' : `ENUM:${values.map((value) => `\n    ${value}`).join('')}`
    const head = rest.length > 0 ? '' : `FIELD: ${name} <${typeText(field, document)}>\n${listed}\n\n`
    return head + explainSchema(field, rest, options)
  }
  const [items, values] = [inner(here, 'items'), inner(here, 'additionalProperties')]
  if (items ?? values) return explainSchema((items ?? values) as JsonObject, path, options, now)
  for (const part of listAt(here, 'allOf')) {
    const text = explainSchema(part, path, options, now)
    if (text !== '') return text
  }
  return ''
}
