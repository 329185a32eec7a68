import type { Quantity } from '../quantity/parse.ts'
import type { CelAuthorizer, CelDecision, CelGroupCheck, CelPathCheck, CelResourceCheck } from './rights.ts'

/** What is wrong with an expression or its values, in cel-go's words. */
export class CelError extends Error {}

/** int is bigint, double is number, bytes are Uint8Array. */
export type CelValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | readonly CelValue[]
  | CelMap
  | CelUint
  | CelDuration
  | CelTimestamp
  | CelType
  | CelOptional
  | CelQuantity
  | CelUrl
  | CelAddress
  | CelFormat
  | CelAuthorizer
  | CelPathCheck
  | CelGroupCheck
  | CelResourceCheck
  | CelDecision

export type CelMap = ReadonlyMap<CelValue, CelValue>
export interface CelUint {
  readonly is: 'uint'
  readonly value: bigint
}
export interface CelDuration {
  readonly is: 'duration'
  readonly nanos: bigint
}
export interface CelTimestamp {
  readonly is: 'timestamp'
  /** Since 1970. */
  readonly nanos: bigint
}
export interface CelType {
  readonly is: 'type'
  readonly name: string
}
export interface CelOptional {
  readonly is: 'optional'
  readonly value: CelValue | undefined
}
export interface CelQuantity {
  readonly is: 'quantity'
  readonly quantity: Quantity
}
export interface CelUrl {
  readonly is: 'url'
  readonly url: URL
  readonly text: string
}
/** An address, or with bits a network. */
export interface CelAddress {
  readonly is: 'ip' | 'cidr'
  readonly family: 4 | 6
  readonly value: bigint
  readonly bits: number
  readonly text: string
}

/** A named format of the library of formats. */
export interface CelFormat {
  readonly is: 'format'
  readonly name: string
}

type Tagged = Extract<CelValue, { readonly is: string }>

export const isMap = (value: CelValue): value is CelMap => value instanceof Map
export const isList = (value: CelValue): value is readonly CelValue[] => Array.isArray(value)
export const tagOf = (value: CelValue): Tagged['is'] | undefined =>
  typeof value === 'object' && value !== null && 'is' in value ? (value as Tagged).is : undefined
export const isTagged = <T extends Tagged['is']>(value: CelValue, tag: T): value is Extract<Tagged, { readonly is: T }> =>
  tagOf(value) === tag

export const isAddress = (value: CelValue): value is CelAddress => tagOf(value) === 'ip' || tagOf(value) === 'cidr'

const typeNames: Readonly<Record<Tagged['is'], string>> = {
  uint: 'uint',
  duration: 'google.protobuf.Duration',
  timestamp: 'google.protobuf.Timestamp',
  type: 'type',
  optional: 'optional_type',
  quantity: 'kubernetes.Quantity',
  url: 'kubernetes.URL',
  ip: 'net.IP',
  cidr: 'net.CIDR',
  format: 'kubernetes.NamedFormat',
  authorizer: 'kubernetes.authorization.Authorizer',
  pathCheck: 'kubernetes.authorization.PathCheck',
  groupCheck: 'kubernetes.authorization.GroupCheck',
  resourceCheck: 'kubernetes.authorization.ResourceCheck',
  decision: 'kubernetes.authorization.Decision',
}

export const typeName = (value: CelValue): string => {
  if (value === null) return 'null_type'
  if (value instanceof Uint8Array) return 'bytes'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    default:
      return isList(value) ? 'list' : isMap(value) ? 'map' : typeNames[(value as Tagged).is]
  }
}

export const noOverload = (): never => {
  throw new CelError('no such overload')
}

/** A plain JSON value as CEL sees it without a schema: whole numbers are ints. */
export const celOf = (value: unknown): CelValue => {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(celOf)
  if (typeof value === 'object') return new Map(Object.entries(value).map(([key, inner]) => [key, celOf(inner)]))
  return value as boolean | bigint | string
}

/** A function of its arguments, the target of a method first. Throws a CelError for arguments that it does not take. */
export type CelFunction = (args: readonly CelValue[], isMethod: boolean) => CelValue
