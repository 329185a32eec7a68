import type { FieldFacts, TypeFacts } from '../schema/schema.ts'

/** How one value stands in protobuf. All but the first four are messages or bytes with a form of their own in JSON. */
export type ProtoShape =
  | { readonly is: 'string' | 'bool' | 'int' | 'double' }
  /** Base64 in JSON. */
  | { readonly is: 'bytes' }
  | { readonly is: 'time'; readonly micro: boolean }
  | { readonly is: 'duration' | 'quantity' | 'intOrString' }
  /** JSON text in field 1: RawExtension, FieldsV1, JSON. */
  | { readonly is: 'rawJson' }
  /** A list of strings in a message of its own: ExtraValue, Verbs. */
  | { readonly is: 'strings' }
  | { readonly is: 'message'; readonly message: Message }
  | { readonly is: 'map'; readonly values: ProtoShape }
  /** A schema (`ref`), or `other`: the two unions of JSONSchemaProps that are no plain value. */
  | { readonly is: 'schemaOr'; readonly other: 'schemas' | 'bool' | 'strings'; readonly message: Message }
  /** A struct that JSON flattens: its fields are those of the object around it. */
  | { readonly is: 'embedded'; readonly message: Message }

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly shape: ProtoShape
  readonly repeated: boolean
  /** Written when it is unset as well, as its zero value: no pointer, list or map in the Go type. */
  readonly always: boolean
}

/** A Go struct as a protobuf message. Fields are in the order of their numbers, which is the order of encoding. */
export interface Message {
  readonly name: string
  readonly fields: readonly ProtoField[]
  readonly byNumber: ReadonlyMap<number, ProtoField>
}

const lastSegment = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
const formats: Readonly<Record<string, ProtoShape>> = {
  'date-time': { is: 'time', micro: false },
  'micro-time': { is: 'time', micro: true },
  duration: { is: 'duration' },
  quantity: { is: 'quantity' },
  'int-or-string': { is: 'intOrString' },
  byte: { is: 'bytes' },
}
const scalars: Readonly<Record<string, ProtoShape>> = {
  string: { is: 'string' },
  boolean: { is: 'bool' },
  integer: { is: 'int' },
  number: { is: 'double' },
}
const unions: Readonly<Record<string, 'schemas' | 'bool' | 'strings'>> = {
  JSONSchemaPropsOrArray: 'schemas',
  JSONSchemaPropsOrBool: 'bool',
  JSONSchemaPropsOrStringArray: 'strings',
}
const specials: Readonly<Record<string, ProtoShape>> = {
  Time: { is: 'time', micro: false },
  MicroTime: { is: 'time', micro: true },
  Duration: { is: 'duration' },
  Quantity: { is: 'quantity' },
  QuantityValue: { is: 'quantity' },
  IntOrString: { is: 'intOrString' },
  RawExtension: { is: 'rawJson' },
  FieldsV1: { is: 'rawJson' },
  JSON: { is: 'rawJson' },
  ExtraValue: { is: 'strings' },
  Verbs: { is: 'strings' },
}

/** Compiles types of the facts to messages, each once and only when asked for. Undefined for a type without protobuf numbers. */
export const compileMessages = (types: Readonly<Record<string, TypeFacts>>): ((typeName: string) => Message | undefined) => {
  const done = new Map<string, Message>()
  const messageOf = (typeName: string): Message => {
    const known = done.get(typeName)
    if (known) return known
    const fields: ProtoField[] = []
    const message: Message = { name: lastSegment(typeName), fields, byNumber: new Map() }
    done.set(typeName, message)
    const facts = Object.entries(types[typeName]?.fields ?? {}).filter(([, field]) => field.proto !== undefined)
    place(
      message,
      facts.map(([name, field]) => ({ name, field, path: [field.proto as number | readonly number[]].flat() })),
    )
    return message
  }
  /** Puts fields into a message; those whose path goes on into one message within it, which JSON flattens. */
  const place = (message: Message, placed: readonly Placed[]): void => {
    const inner = new Map<number, Placed[]>()
    const fields = message.fields as ProtoField[]
    for (const { name, field, path } of placed) {
      const [number = 0, ...rest] = path
      if (rest.length === 0) fields.push(fieldOf(name, number, field))
      else inner.set(number, [...(inner.get(number) ?? []), { name, field, path: rest }])
    }
    for (const [number, within] of inner) {
      const embedded: Message = { name: message.name, fields: [], byNumber: new Map() }
      place(embedded, within)
      fields.push({ name: '', number, shape: { is: 'embedded', message: embedded }, repeated: false, always: true })
    }
    fields.sort((a, b) => a.number - b.number)
    for (const field of fields) (message.byNumber as Map<number, ProtoField>).set(field.number, field)
  }
  const fieldOf = (name: string, number: number, field: FieldFacts): ProtoField => {
    // Verbs are a list of strings, but one message.
    const wrapped = field.type === 'array' && field.protoType === 'message' && field.items?.type === 'string'
    const repeated = field.type === 'array' && !wrapped
    const shape: ProtoShape = wrapped ? { is: 'strings' } : shapeOf(repeated ? (field.items as FieldFacts) : field)
    const holds = repeated || shape.is === 'map' || shape.is === 'bytes' || wrapped
    return { name, number, shape, repeated, always: !holds && !field.ptr }
  }
  const shapeOf = (field: FieldFacts): ProtoShape => {
    const byFormat = field.format ? formats[field.format] : undefined
    if (byFormat) return byFormat
    if (field.ref) return refShape(field.ref)
    if (field.type === 'map') return { is: 'map', values: shapeOf(field.values as FieldFacts) }
    if (field.type === 'array') return { is: 'strings' }
    return scalars[field.type] ?? { is: 'rawJson' }
  }
  const refShape = (ref: string): ProtoShape => {
    const name = lastSegment(ref)
    const other = unions[name]
    const target = other ? `${ref.slice(0, -name.length)}JSONSchemaProps` : ref
    if (other)
      return {
        is: 'schemaOr',
        other,
        get message() {
          return messageOf(target)
        },
      }
    if (types[ref]?.special) return specials[name] ?? { is: 'rawJson' }
    return {
      is: 'message',
      get message() {
        return messageOf(ref)
      },
    }
  }
  return (typeName) => {
    const facts = types[typeName]?.fields
    if (!facts || !Object.values(facts).some((field) => field.proto !== undefined)) return undefined
    return messageOf(typeName)
  }
}

interface Placed {
  readonly name: string
  readonly field: FieldFacts
  readonly path: readonly number[]
}
