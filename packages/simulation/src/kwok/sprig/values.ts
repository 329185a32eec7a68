import { isTemplateTrue } from '@skiff/machinery'
import { type Dict, fail, int, isMap, list, map, type Named, text, type Value } from './cast.ts'

type Writable = { [key: string]: Value }
/** Made by templates themselves: all else is shared with the cluster, and is not theirs to change. */
const dicts = new WeakSet<object>()

const dict = (pairs: readonly Value[]): Value => {
  const result: Writable = Object.create(null)
  for (let i = 0; i < pairs.length; i += 2) result[text(pairs[i])] = pairs[i + 1] ?? ''
  dicts.add(result)
  return result
}
const ownDict = (value: Value): Writable =>
  typeof value === 'object' && value !== null && dicts.has(value) ? (value as Writable) : fail('only what dict made can be changed')

const chosen = (from: Value, is: (key: string) => boolean): Dict =>
  Object.assign(Object.create(null), Object.fromEntries(Object.entries(map(from)).filter(([key]) => is(key)))) as Dict

const chunks = (all: readonly Value[], size: number): readonly (readonly Value[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

const isSame = (a: Value, b: Value): boolean => {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => isSame(each as Value, b[i] as Value))
  if (!isMap(a) || !isMap(b)) return typeof a !== typeof b && Number(a) === Number(b) && typeof a !== 'string' && typeof b !== 'string'
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
}

const kinds: Readonly<Record<string, string>> = { boolean: 'bool', bigint: 'int', number: 'float64', string: 'string' }
const kindOf = (value: Value): string => (isMap(value) ? 'map' : Array.isArray(value) ? 'slice' : (kinds[typeof value] ?? 'invalid'))

export const valueFunctions: Named = [
  ['default', (usual, value) => (isTemplateTrue(value) ? value : usual)],
  ['empty', (value) => !isTemplateTrue(value)],
  ['coalesce', (...all) => all.find(isTemplateTrue) ?? null],
  ['ternary', (yes, no, test) => (test === true ? yes : no)],
  ['dict', (...pairs) => dict(pairs)],
  ['list', (...all) => all],
  ['get', (from, key) => (Object.hasOwn(map(from), text(key)) ? map(from)[text(key)] : '')],
  ['hasKey', (from, key) => Object.hasOwn(map(from), text(key))],
  ['keys', (...maps) => maps.flatMap((each) => Object.keys(map(each)))],
  ['values', (from) => Object.values(map(from))],
  ['merge', (...maps) => Object.assign(Object.create(null), ...maps.map(map).reverse()) as Value],
  [
    'dig',
    (...path) =>
      path
        .slice(0, -2)
        .reduce<Value>((from, key) => (isMap(from) && Object.hasOwn(from, text(key)) ? from[text(key)] : undefined), path.at(-1)) ??
      path.at(-2),
  ],
  ['mergeOverwrite', (...maps) => Object.assign(Object.create(null), ...maps.map(map)) as Value],
  ['deepCopy', (value) => value],
  ['pick', (from, ...keys) => chosen(from, (key) => keys.map(text).includes(key))],
  ['omit', (from, ...keys) => chosen(from, (key) => !keys.map(text).includes(key))],
  [
    'pluck',
    (key, ...maps) =>
      maps
        .map(map)
        .filter((each) => Object.hasOwn(each, text(key)))
        .map((each) => each[text(key)]),
  ],
  [
    'set',
    (from, key, value) => {
      ownDict(from)[text(key)] = value ?? ''
      return from
    },
  ],
  [
    'unset',
    (from, key) => {
      delete ownDict(from)[text(key)]
      return from
    },
  ],
  ['first', (all) => list(all)[0]],
  ['last', (all) => list(all).at(-1)],
  ['rest', (all) => list(all).slice(1)],
  ['initial', (all) => list(all).slice(0, -1)],
  ['append', (all, one) => [...list(all), one]],
  ['push', (all, one) => [...list(all), one]],
  ['prepend', (all, one) => [one, ...list(all)]],
  ['concat', (...lists) => lists.flatMap(list)],
  ['reverse', (all) => [...list(all)].reverse()],
  ['compact', (all) => list(all).filter(isTemplateTrue)],
  ['without', (all, ...gone) => list(all).filter((each) => !gone.some((one) => isSame(one, each)))],
  ['slice', (all, from, to) => list(all).slice(Number(int(from)), to === undefined ? undefined : Number(int(to)))],
  ['chunk', (size, all) => chunks(list(all), Math.max(1, Number(int(size))))],
  ['tuple', (...all) => all],
  ['has', (one, all) => list(all).some((each) => isSame(one, each))],
  ['uniq', (all) => list(all).filter((each, i) => list(all).findIndex((other) => isSame(each, other)) === i)],
  ['all', (...all) => all.every(isTemplateTrue)],
  ['any', (...all) => all.some(isTemplateTrue)],
  ['deepEqual', isSame],
  ['kindOf', kindOf],
  ['typeOf', kindOf],
  ['kindIs', (kind, value) => kindOf(value) === text(kind)],
  ['typeIs', (kind, value) => kindOf(value) === text(kind)],
  ['fail', (message) => fail(text(message))],
]
