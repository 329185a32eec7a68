import { fromJSON, type MessageTypeDefinition, type PackageDefinition, type ServiceDefinition } from '@grpc/proto-loader'

/**
 * A protobuf package as a value, so that it lives in the bundle and its TypeScript types follow from it.
 * A field reads `<type> <number>`, `<type>[] <number>` or `map <number>` (string to string); an enum is its names in order
 * from 0; a method reads `<request> <response>` or `<request> stream <response>`.
 */
export interface ProtoTable {
  readonly package: string
  readonly enums: Readonly<Record<string, readonly string[]>>
  readonly messages: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly services: Readonly<Record<string, Readonly<Record<string, string>>>>
}

interface Scalars {
  string: string
  bool: boolean
  int32: number
  uint32: number
  bytes: Buffer
}
// 64-bit integers are read as decimal strings: a number would round them.
interface WrittenScalars extends Scalars {
  int64: number | bigint | string
  uint64: number | bigint | string
}
interface ReadScalars extends Scalars {
  int64: string
  uint64: string
}

type EnumOf<T extends ProtoTable, Name> = Name extends keyof T['enums'] ? T['enums'][Name][number] : never
type Leaf<T extends ProtoTable, Type, S, Nested> = Type extends keyof S ? S[Type] : Type extends keyof T['enums'] ? EnumOf<T, Type> : Nested

type WrittenField<T extends ProtoTable, F> = F extends `map ${number}`
  ? Readonly<Record<string, string>>
  : F extends `${infer Type}[] ${number}`
    ? readonly Leaf<T, Type, WrittenScalars, Written<T, Type>>[]
    : F extends `${infer Type} ${number}`
      ? Leaf<T, Type, WrittenScalars, Written<T, Type>>
      : never
/** A message to send: what is absent has its default. */
export type Written<T extends ProtoTable, Name> = Name extends keyof T['messages']
  ? { readonly [F in keyof T['messages'][Name]]?: WrittenField<T, T['messages'][Name][F]> | undefined }
  : never

type ReadField<T extends ProtoTable, F> = F extends `map ${number}`
  ? Readonly<Record<string, string>>
  : F extends `${infer Type}[] ${number}`
    ? readonly Leaf<T, Type, ReadScalars, Read<T, Type>>[]
    : F extends `${infer Type} ${number}`
      ? Leaf<T, Type, ReadScalars, Read<T, Type> | null>
      : never
/** A message received: scalars, lists and maps have their defaults, an absent message is null. */
export type Read<T extends ProtoTable, Name> = Name extends keyof T['messages']
  ? { readonly [F in keyof T['messages'][Name]]: ReadField<T, T['messages'][Name][F]> }
  : never

export type MethodOf<T extends ProtoTable, S extends keyof T['services']> = keyof T['services'][S] & string
export type RequestOf<T extends ProtoTable, S extends keyof T['services'], M> = M extends keyof T['services'][S]
  ? T['services'][S][M] extends `${infer Name} ${string}`
    ? Written<T, Name>
    : never
  : never
export type ReplyOf<T extends ProtoTable, S extends keyof T['services'], M> = M extends keyof T['services'][S]
  ? T['services'][S][M] extends `${string} stream ${infer Name}`
    ? Read<T, Name>
    : T['services'][S][M] extends `${string} ${infer Name}`
      ? Read<T, Name>
      : never
  : never

const fieldJson = (spec: string) => {
  const [type = '', id] = spec.split(' ')
  if (type === 'map') return { keyType: 'string', type: 'string', id: Number(id) }
  return type.endsWith('[]') ? { rule: 'repeated', type: type.slice(0, -2), id: Number(id) } : { type, id: Number(id) }
}
const methodJson = (spec: string) => {
  const words = spec.split(' ')
  return { requestType: words[0] ?? '', responseType: words.at(-1) ?? '', responseStream: words.length === 3 }
}
const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

/** The table as a definition that gRPC takes. Some milliseconds of work: once a process. */
export const loadTable = (table: ProtoTable): PackageDefinition => {
  const inner: Record<string, object> = {
    ...mapValues(table.enums, (names) => ({ values: Object.fromEntries(names.map((name, index) => [name, index])) })),
    ...mapValues(table.messages, (fields) => ({ fields: mapValues(fields, fieldJson) })),
    ...mapValues(table.services, (methods) => ({ methods: mapValues(methods, methodJson) })),
  }
  const nested = table.package.split('.').reduceRight<Record<string, object>>((within, part) => ({ [part]: { nested: within } }), inner)
  const json = { options: { syntax: 'proto3' }, nested } as Parameters<typeof fromJSON>[0]
  return fromJSON(json, { longs: String, enums: String, defaults: true })
}

export const serviceOf = (definition: PackageDefinition, name: string): ServiceDefinition => definition[name] as ServiceDefinition

/** Reads one message of the table from its bytes. */
export const decodeMessage = <T extends ProtoTable, Name extends keyof T['messages'] & string>(
  table: T,
  definition: PackageDefinition,
  name: Name,
  bytes: Buffer,
): Read<T, Name> => (definition[`${table.package}.${name}`] as MessageTypeDefinition<object, object>).deserialize(bytes) as Read<T, Name>
