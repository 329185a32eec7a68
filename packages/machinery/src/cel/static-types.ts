/** A type as it is known before anything is evaluated. */
export interface StaticType {
  readonly kind: 'simple' | 'null' | 'list' | 'map' | 'object' | 'opaque' | 'type' | 'param' | 'dyn' | 'error'
  readonly name: string
  readonly params: readonly StaticType[]
  /** Of an object. */
  readonly fields?: ReadonlyMap<string, StaticType>
}

const simple = (name: string): StaticType => ({ kind: 'simple', name, params: [] })

export const boolType = simple('bool')
export const intType = simple('int')
export const stringType = simple('string')
export const nullType: StaticType = { kind: 'null', name: 'null', params: [] }
export const dynType: StaticType = { kind: 'dyn', name: 'dyn', params: [] }
export const errorType: StaticType = { kind: 'error', name: '!error!', params: [] }
/** bool, int, uint, double, string, bytes, duration, timestamp. */
export const simpleType = simple
export const listType = (item: StaticType): StaticType => ({ kind: 'list', name: 'list', params: [item] })
export const mapType = (key: StaticType, value: StaticType): StaticType => ({ kind: 'map', name: 'map', params: [key, value] })
export const opaqueType = (name: string, ...params: readonly StaticType[]): StaticType => ({ kind: 'opaque', name, params })
export const optionalType = (of: StaticType): StaticType => opaqueType('optional_type', of)
export const typeType = (of: StaticType): StaticType => ({ kind: 'type', name: 'type', params: [of] })
export const paramType = (name: string): StaticType => ({ kind: 'param', name, params: [] })
export const objectType = (name: string, fields: ReadonlyMap<string, StaticType>): StaticType => ({
  kind: 'object',
  name,
  params: [],
  fields,
})

export const isOptional = ({ kind, name }: StaticType): boolean => kind === 'opaque' && name === 'optional_type'
export const isWild = ({ kind }: StaticType): boolean => kind === 'dyn' || kind === 'error'

export const sameType = (a: StaticType, b: StaticType): boolean =>
  a === b ||
  (a.kind === b.kind &&
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((each, i) => sameType(each, b.params[i] as StaticType)))

/** A type as refusals name it. */
export const shownType = ({ name, params }: StaticType): string =>
  params.length === 0 ? name : `${name}(${params.map(shownType).join(', ')})`
