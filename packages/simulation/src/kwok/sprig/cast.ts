import { type TemplateValue, templateText } from '@skiff/machinery'

export type Value = TemplateValue
export type Named = readonly (readonly [name: string, act: (...values: readonly Value[]) => Value])[]

export type Dict = { readonly [key: string]: Value }

export const fail = (message: string): never => {
  throw new Error(message)
}
export const isMap = (value: Value): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value)
export const list = (value: Value): readonly Value[] =>
  Array.isArray(value) ? (value as readonly Value[]) : value === undefined || value === null ? [] : fail('no list')
export const map = (value: Value): Dict => (isMap(value) ? value : value === undefined || value === null ? {} : fail('no map'))
export const text = (value: Value): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : templateText(value)

/** As sprig's toInt64: what is no number counts as 0. */
export const int = (value: Value): bigint => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return BigInt(Math.trunc(value))
  if (typeof value === 'boolean') return value ? 1n : 0n
  return typeof value === 'string' && /^[+-]?\d+$/.test(value) ? BigInt(value) : 0n
}
export const float = (value: Value): number =>
  typeof value === 'string' ? Number(value) || 0 : typeof value === 'number' || typeof value === 'bigint' ? Number(value) : 0

/** Numbers are Go's float64 in a template's data, and must not come out as 1e+06 in YAML. */
export const plain = (value: Value): unknown => {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return (value as readonly Value[]).map(plain)
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each as Value)]))
  return value ?? null
}
