import { compilePattern, findPattern, type Json, replacePattern } from '@skiff/machinery'
import {
  at,
  compare,
  compute,
  descend,
  fail,
  holds,
  isMap,
  isTrue,
  items,
  lengthOf,
  list,
  mapOf,
  numberOf,
  sorted,
  text,
} from './values.ts'

const distinct = (values: readonly Json[]): readonly Json[] =>
  values.filter((value, i) => i === 0 || compare(value, values[i - 1] as Json) !== 0)
const best = (values: readonly Json[], isBetter: (order: number) => boolean): Json =>
  values.reduce<Json>((found, each, i) => (i === 0 || isBetter(compare(each, found)) ? each : found), null)
const flat = (values: readonly Json[], depth: number): readonly Json[] =>
  values.flatMap((each) => (Array.isArray(each) && depth > 0 ? flat(list(each), depth - 1) : [each]))
const typeOf = (input: Json): string => (Array.isArray(input) ? 'array' : input === null ? 'null' : typeof input)
const json = (input: Json): string => JSON.stringify(input)
const timeOf = (input: Json): number => Date.parse(text(input)) / 1000
const timeText = (input: Json): string => new Date(numberOf(input) * 1000).toISOString().replace('.000Z', 'Z')
const entryOf = (input: Json): readonly [string, Json] => {
  const key = ['key', 'k', 'name', 'Name', 'Key', 'K'].map((name) => at(input, name)).find((found) => found !== null) ?? null
  const value = ['value', 'v', 'Value', 'V'].map((name) => at(input, name)).find((found) => found !== null) ?? null
  return [typeof key === 'string' ? key : json(key), value]
}

/** Functions of the input alone. */
export const plain: Readonly<Record<string, (input: Json) => Json>> = {
  length: lengthOf,
  not: (input) => !isTrue(input),
  keys: (input) => (isMap(input) ? Object.keys(input).sort() : list(input).map((_, i) => i)),
  keys_unsorted: (input) => (isMap(input) ? Object.keys(input) : list(input).map((_, i) => i)),
  tonumber: numberOf,
  tostring: (input) => (typeof input === 'string' ? input : json(input)),
  tojson: json,
  fromjson: (input) => JSON.parse(text(input)) as Json,
  type: typeOf,
  first: (input) => at(input, 0),
  last: (input) => at(input, -1),
  any: (input) => items(input).some(isTrue),
  all: (input) => items(input).every(isTrue),
  add: (input) => items(input).reduce((sum, each) => compute('+', sum, each), null),
  min: (input) => best(list(input), (order) => order < 0),
  max: (input) => best(list(input), (order) => order >= 0),
  sort: (input) => sorted(list(input)),
  unique: (input) => distinct(sorted(list(input))),
  reverse: (input) => (typeof input === 'string' ? [...input].reverse().join('') : input === null ? [] : [...list(input)].reverse()),
  flatten: (input) => flat(items(input), Number.POSITIVE_INFINITY),
  to_entries: (input) => (isMap(input) ? Object.entries(input).map(([key, value]) => ({ key, value })) : fail('has no keys')),
  from_entries: (input) => mapOf(list(input).map(entryOf)),
  ascii_downcase: (input) => text(input).toLowerCase(),
  ascii_upcase: (input) => text(input).toUpperCase(),
  trim: (input) => text(input).trim(),
  ltrim: (input) => text(input).trimStart(),
  rtrim: (input) => text(input).trimEnd(),
  floor: (input) => Math.floor(numberOf(input)),
  ceil: (input) => Math.ceil(numberOf(input)),
  round: (input) => Math.round(numberOf(input)),
  abs: (input) => Math.abs(numberOf(input)),
  sqrt: (input) => Math.sqrt(numberOf(input)),
  fromdateiso8601: timeOf,
  fromdate: timeOf,
  todateiso8601: timeText,
  todate: timeText,
}

const kinds: Readonly<Record<string, (input: Json) => boolean>> = {
  values: (input) => input !== null,
  nulls: (input) => input === null,
  booleans: (input) => typeof input === 'boolean',
  numbers: (input) => typeof input === 'number',
  strings: (input) => typeof input === 'string',
  arrays: Array.isArray,
  objects: isMap,
  iterables: (input) => Array.isArray(input) || isMap(input),
  scalars: (input) => !Array.isArray(input) && !isMap(input),
}

/** Functions of the input alone that find nothing, or several. */
export const many: Readonly<Record<string, (input: Json) => readonly Json[]>> = {
  empty: () => [],
  recurse: descend,
  error: (input) => fail(typeof input === 'string' ? input : json(input)),
  ...Object.fromEntries(Object.entries(kinds).map(([name, is]) => [name, (input: Json) => (is(input) ? [input] : [])])),
}

const flagged = (pattern: string, flags: Json): string => (typeof flags === 'string' && flags.includes('i') ? `(?i)${pattern}` : pattern)
const firstOnly = (input: string, pattern: string, by: string): string => {
  const [found] = findPattern(pattern, input, 1)
  if (found === undefined) return input
  const start = input.indexOf(found)
  return input.slice(0, start) + by + input.slice(start + found.length)
}
const indices = (input: Json, of: Json): readonly number[] => {
  if (typeof input !== 'string') return list(input).flatMap((each, i) => (compare(each, of) === 0 ? [i] : []))
  const found: number[] = []
  const part = text(of)
  for (let i = input.indexOf(part); part !== '' && i >= 0; i = input.indexOf(part, i + 1)) found.push(i)
  return found
}

/** Functions of the input and of the values of their arguments. */
export const ofValues: Readonly<Record<string, (input: Json, ...args: readonly Json[]) => Json>> = {
  'has/1': (input, key = null) =>
    isMap(input) ? Object.hasOwn(input, text(key)) : typeof key === 'number' && key >= 0 && key < list(input).length,
  'in/1': (input, whole = null) =>
    isMap(whole) ? Object.hasOwn(whole, text(input)) : typeof input === 'number' && input >= 0 && input < list(whole).length,
  'startswith/1': (input, word = null) => text(input).startsWith(text(word)),
  'endswith/1': (input, word = null) => text(input).endsWith(text(word)),
  'ltrimstr/1': (input, word = null) =>
    typeof input === 'string' && typeof word === 'string' && input.startsWith(word) ? input.slice(word.length) : input,
  'rtrimstr/1': (input, word = null) =>
    typeof input === 'string' && typeof word === 'string' && word !== '' && input.endsWith(word) ? input.slice(0, -word.length) : input,
  'contains/1': (input, part = null) => holds(input, part),
  'inside/1': (input, whole = null) => holds(whole, input),
  'test/1': (input, pattern = null) => compilePattern(text(pattern))(text(input)),
  'test/2': (input, pattern = null, flags = null) => compilePattern(flagged(text(pattern), flags))(text(input)),
  'sub/2': (input, pattern = null, by = null) => firstOnly(text(input), text(pattern), text(by)),
  'gsub/2': (input, pattern = null, by = null) => replacePattern(text(pattern), text(input), text(by).replaceAll('$', '$$$$')),
  'split/1': (input, by = null) => text(input).split(text(by)),
  'join/1': (input, by = null) =>
    list(input)
      .map((each) => (each === null ? '' : typeof each === 'string' ? each : json(each)))
      .join(text(by)),
  'index/1': (input, of = null) => indices(input, of)[0] ?? null,
  'rindex/1': (input, of = null) => indices(input, of).at(-1) ?? null,
  'indices/1': (input, of = null) => indices(input, of),
  'flatten/1': (input, depth = null) => flat(items(input), numberOf(depth)),
  'getpath/1': (input, path = null) => list(path).reduce<Json>(at, input),
  'nth/1': (input, place = null) => at(input, place),
  'error/1': (_input, message = null) => fail(typeof message === 'string' ? message : json(message)),
}

/** What `@name` makes of a value. */
export const formats: Readonly<Record<string, (value: Json) => string>> = {
  text: (value) => (typeof value === 'string' ? value : json(value)),
  json,
  base64: (value) => Buffer.from(typeof value === 'string' ? value : json(value)).toString('base64'),
  base64d: (value) => Buffer.from(text(value), 'base64').toString(),
  uri: (value) => encodeURIComponent(typeof value === 'string' ? value : json(value)),
}
