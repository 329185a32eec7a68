import type { Json } from '@skiff/machinery'

/** An expression that fails on its input. */
export class Fault extends Error {}

export type JqMap = { readonly [key: string]: Json }
export const isMap = (value: Json): value is JqMap => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isTrue = (value: Json): boolean => value !== null && value !== false
export const fail = (what: string): never => {
  throw new Fault(what)
}

export const at = (value: Json, key: Json): Json => {
  if (value === null) return null
  if (typeof key === 'string' && isMap(value)) return Object.hasOwn(value, key) ? (value[key] as Json) : null
  if (typeof key === 'number' && Array.isArray(value)) return (value as readonly Json[]).at(Math.floor(key)) ?? null
  return fail('cannot be indexed')
}

export const slice = (value: Json, from: Json, to: Json): Json => {
  if (value === null) return null
  const end = (bound: Json): number | undefined => (typeof bound === 'number' ? Math.floor(bound) : undefined)
  if (typeof value === 'string') return [...value].slice(end(from), end(to)).join('')
  return Array.isArray(value) ? (value as readonly Json[]).slice(end(from), end(to)) : fail('cannot be sliced')
}

export const items = (value: Json): readonly Json[] => {
  if (Array.isArray(value)) return value as readonly Json[]
  return isMap(value) ? Object.values(value) : fail('cannot be iterated over')
}

/** A value and all within it. */
export const descend = (value: Json): readonly Json[] =>
  Array.isArray(value) || isMap(value) ? [value, ...items(value).flatMap(descend)] : [value]

/** A map whose keys users named. */
export const mapOf = (entries: Iterable<readonly [string, Json]>): JqMap => {
  const made: { [key: string]: Json } = Object.create(null)
  for (const [key, value] of entries) made[key] = value
  return made
}

export const text = (value: Json): string => (typeof value === 'string' ? value : fail('no text'))
export const list = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : fail('no list'))
export const numberOf = (value: Json): number => {
  if (typeof value === 'number') return value
  const number = Number(text(value))
  return Number.isNaN(number) ? fail('no number') : number
}

export const lengthOf = (value: Json): number => {
  if (value === null) return 0
  if (typeof value === 'string') return [...value].length
  if (typeof value === 'number') return Math.abs(value)
  return typeof value === 'boolean' ? fail('has no length') : items(value).length
}

export const compute = (operator: string, a: Json, b: Json): Json => {
  if (operator === '+') {
    if (a === null) return b
    if (b === null) return a
    if (typeof a === 'string' && typeof b === 'string') return a + b
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
    if (isMap(a) && isMap(b)) return mapOf([...Object.entries(a), ...Object.entries(b)])
  }
  if (operator === '-' && Array.isArray(a) && Array.isArray(b))
    return list(a).filter((one) => !list(b).some((other) => compare(one, other) === 0))
  if (operator === '/' && typeof a === 'string' && typeof b === 'string') return a.split(b)
  if (typeof a !== 'number' || typeof b !== 'number') return fail('no numbers')
  if ((operator === '/' || operator === '%') && b === 0) return fail('division by zero')
  const results: Readonly<Record<string, number>> = { '+': a + b, '-': a - b, '*': a * b, '/': a / b, '%': Math.trunc(a) % Math.trunc(b) }
  return results[operator] as number
}

const ranks = ['null', 'false', 'true', 'number', 'string', 'list', 'map']
const rankOf = (value: Json): number => {
  if (value === null || typeof value === 'boolean') return ranks.indexOf(String(value))
  if (Array.isArray(value)) return ranks.indexOf('list')
  return ranks.indexOf(typeof value === 'object' ? 'map' : typeof value)
}

/** jq's order of all values. */
export const compare = (a: Json, b: Json): number => {
  const [rankA, rankB] = [rankOf(a), rankOf(b)]
  if (rankA !== rankB) return rankA - rankB
  if (typeof a === 'number') return a - (b as number)
  if (typeof a === 'string') return a < (b as string) ? -1 : a > (b as string) ? 1 : 0
  if (Array.isArray(a)) return compareLists(list(a), list(b))
  return isMap(a) && isMap(b) ? compareMaps(a, b) : 0
}

const compareLists = (a: readonly Json[], b: readonly Json[]): number => {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const order = compare(a[i] as Json, b[i] as Json)
    if (order !== 0) return order
  }
  return a.length - b.length
}

const compareMaps = (a: JqMap, b: JqMap): number => {
  const [keysA, keysB] = [Object.keys(a).sort(), Object.keys(b).sort()]
  return (
    compareLists(keysA, keysB) ||
    compareLists(
      keysA.map((key) => a[key] as Json),
      keysB.map((key) => b[key] as Json),
    )
  )
}

export const sorted = (values: readonly Json[]): readonly Json[] => [...values].sort(compare)

/** Whether a value holds another, as jq's contains. */
export const holds = (whole: Json, part: Json): boolean => {
  if (typeof whole === 'string') return whole.includes(text(part))
  if (Array.isArray(whole)) return list(part).every((one) => list(whole).some((each) => holdsOrIs(each, one)))
  if (isMap(whole) && isMap(part))
    return Object.entries(part).every(([key, one]) => Object.hasOwn(whole, key) && holdsOrIs(whole[key] as Json, one))
  return compare(whole, part) === 0
}
const holdsOrIs = (whole: Json, part: Json): boolean => (rankOf(whole) === rankOf(part) ? holds(whole, part) : false)
