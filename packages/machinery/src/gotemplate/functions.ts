import { sprint, sprintf, sprintln } from './printf.ts'
import { isList, isMap, isTrue, typeText, type Value } from './value.ts'

// text/template's functions, and kubectl's exists and base64decode. `and` and `or` are the evaluator's, since they need not evaluate
// all of their arguments.

export type TemplateFunction = (values: readonly Value[]) => Value

const fail = (message: string): never => {
  throw new Error(message)
}

const index = ([item, ...keys]: readonly Value[]): Value => keys.reduce(indexOne, item)

const indexOne = (item: Value, key: Value): Value => {
  if (item === undefined || item === null) return fail('index of untyped nil')
  if (isMap(item)) {
    if (typeof key !== 'string') return fail(`value has type ${typeText(key)}; should be string`)
    return Object.hasOwn(item, key) ? item[key] : undefined
  }
  if (typeof item === 'string' || isList(item)) {
    const length = typeof item === 'string' ? Buffer.byteLength(item) : item.length
    const at = position(key, length)
    if (at >= length) return fail(`index out of range: ${at}`)
    return typeof item === 'string' ? BigInt(Buffer.from(item)[at] as number) : item[at]
  }
  return fail(`can't index item of type ${typeText(item)}`)
}

const position = (key: Value, length: number): number => {
  if (key === undefined || key === null) return fail('cannot index slice/array with nil')
  if (typeof key !== 'bigint') return fail(`cannot index slice/array with type ${typeText(key)}`)
  const at = Number(key)
  return at < 0 || at > length ? fail(`index out of range: ${at}`) : at
}

const slice = ([item, ...bounds]: readonly Value[]): Value => {
  if (item === undefined || item === null) return fail('slice of untyped nil')
  if (typeof item !== 'string' && !isList(item)) return fail(`can't slice item of type ${typeText(item)}`)
  const size = typeof item === 'string' ? Buffer.byteLength(item) : item.length
  const [from = 0, to = size] = bounds.map((each) => position(each, size))
  if (from > to) return fail(`invalid slice index: ${from} > ${to}`)
  return typeof item === 'string' ? Buffer.from(item).subarray(from, to).toString() : item.slice(from, to)
}

const length = ([item]: readonly Value[]): Value => {
  if (typeof item === 'string') return BigInt(Buffer.byteLength(item))
  if (isList(item)) return BigInt(item.length)
  if (isMap(item)) return BigInt(Object.keys(item).length)
  return fail(item === undefined || item === null ? 'len of nil pointer' : `len of type ${typeText(item)}`)
}

/** kubectl's: whether indexing would find something. */
const exists = (values: readonly Value[]): Value => {
  try {
    const found = index(values)
    return found !== undefined
  } catch {
    return false
  }
}

const basic = (value: Value): string => {
  if (value === undefined || value === null) return 'nil'
  const kind = typeof value
  return kind === 'object' ? fail('invalid type for comparison') : kind
}

const equal = (a: Value, b: Value): boolean => {
  const [kindA, kindB] = [basic(a), basic(b)]
  if (kindA === 'nil' || kindB === 'nil') return kindA === kindB
  return kindA === kindB ? a === b : fail('incompatible types for comparison')
}

const less = (a: Value, b: Value): boolean => {
  const [kindA, kindB] = [basic(a), basic(b)]
  if (kindA !== kindB) return fail('incompatible types for comparison')
  if (kindA === 'boolean' || kindA === 'nil') return fail('invalid type for comparison')
  return (a as string) < (b as string)
}

const html: Readonly<Record<string, string>> = { '"': '&#34;', "'": '&#39;', '&': '&amp;', '<': '&lt;', '>': '&gt;', '\0': '\ufffd' }
const js: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

const base64decode = ([text]: readonly Value[]): Value => {
  const source = String(text)
  if (!/^(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/.test(source)) return fail('illegal base64 data')
  return Buffer.from(source, 'base64').toString()
}

export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['index', index],
  ['slice', slice],
  ['len', length],
  ['not', ([value]) => !isTrue(value)],
  ['print', sprint],
  ['println', sprintln],
  ['printf', ([format, ...values]) => sprintf(String(format), values)],
  [
    'eq',
    ([first, ...others]) => (others.length === 0 ? fail('missing argument for comparison') : others.some((each) => equal(first, each))),
  ],
  ['ne', ([a, b]) => !equal(a, b)],
  ['lt', ([a, b]) => less(a, b)],
  ['le', ([a, b]) => less(a, b) || equal(a, b)],
  ['gt', ([a, b]) => !(less(a, b) || equal(a, b))],
  ['ge', ([a, b]) => !less(a, b)],
  ['html', (values) => sprint(values).replace(/["'&<>\0]/g, (char) => html[char] as string)],
  [
    'js',
    (values) =>
      sprint(values).replace(
        /[\\'"<>&=\x00-\x1f]/g,
        (char) => js[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
      ),
  ],
  [
    'urlquery',
    (values) =>
      encodeURIComponent(sprint(values))
        .replace(/%20/g, '+')
        .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
  ],
  ['exists', exists],
  ['base64decode', base64decode],
])

/** How many arguments a function wants; a minus stands for at least so many. */
export const templateArity: Readonly<Record<string, number>> = {
  and: -1,
  or: -1,
  index: -1,
  slice: -1,
  len: 1,
  not: 1,
  printf: -1,
  eq: -1,
  ne: 2,
  lt: 2,
  le: 2,
  gt: 2,
  ge: 2,
  exists: -1,
  base64decode: 1,
  call: -1,
}

export const templateFunctionNames: ReadonlySet<string> = new Set([...templateFunctions.keys(), 'and', 'or', 'call'])
