import { compilePattern, type Json } from '@skiff/machinery'
import { type Jq, parseJq } from './parse.ts'

/** A compiled expression: all that it finds in a value. Undefined when it fails there, as over what is not there. */
export type Query = (value: unknown) => readonly Json[] | undefined

class Fault extends Error {}

/** Compiles an expression; throws a sentence when it is not understood. */
export const compileJq = (source: string): Query => {
  const tree = parseJq(source)
  check(tree, source)
  return (value) => {
    try {
      return evaluate(tree, value as Json)
    } catch (error) {
      if (error instanceof Fault) return undefined
      throw error
    }
  }
}

type Map = { readonly [key: string]: Json }
const isMap = (value: Json): value is Map => typeof value === 'object' && value !== null && !Array.isArray(value)
const isTrue = (value: Json): boolean => value !== null && value !== false
const fail = (what: string): never => {
  throw new Fault(what)
}

const evaluate = (node: Jq, input: Json): readonly Json[] => {
  switch (node.is) {
    case 'self':
      return [input]
    case 'literal':
      return [node.value]
    case 'field':
      return evaluate(node.of, input).map((value) => at(value, node.name))
    case 'index':
      return evaluate(node.of, input).flatMap((value) => evaluate(node.index, input).map((index) => at(value, index)))
    case 'each':
      return evaluate(node.of, input).flatMap(items)
    case 'try':
      return attempt(node.of, input)
    case 'pipe':
      return evaluate(node.left, input).flatMap((value) => evaluate(node.right, value))
    case 'comma':
      return [...evaluate(node.left, input), ...evaluate(node.right, input)]
    case 'list':
      return [node.of ? [...evaluate(node.of, input)] : []]
    case 'if':
      return evaluate(node.test, input).flatMap((test) => evaluate(isTrue(test) ? node.then : node.otherwise, input))
    case 'binary':
      return operate(node.operator, node.left, node.right, input)
    case 'call':
      return call(node.name, node.args, input)
  }
}

const attempt = (of: Jq, input: Json): readonly Json[] => {
  try {
    return evaluate(of, input)
  } catch (error) {
    if (error instanceof Fault) return []
    throw error
  }
}

const at = (value: Json, key: Json): Json => {
  if (value === null) return null
  if (typeof key === 'string' && isMap(value)) return Object.hasOwn(value, key) ? (value[key] as Json) : null
  if (typeof key === 'number' && Array.isArray(value)) return (value as readonly Json[]).at(Math.floor(key)) ?? null
  return fail('cannot be indexed')
}

const items = (value: Json): readonly Json[] => {
  if (Array.isArray(value)) return value as readonly Json[]
  return isMap(value) ? Object.values(value) : fail('cannot be iterated over')
}

const operate = (operator: string, left: Jq, right: Jq, input: Json): readonly Json[] => {
  if (operator === '//') {
    const found = attempt(left, input).filter(isTrue)
    return found.length > 0 ? found : evaluate(right, input)
  }
  return evaluate(left, input).flatMap((a): readonly Json[] => {
    if (operator === 'and' && !isTrue(a)) return [false]
    if (operator === 'or' && isTrue(a)) return [true]
    return evaluate(right, input).map((b) => combine(operator, a, b))
  })
}

const combine = (operator: string, a: Json, b: Json): Json => {
  switch (operator) {
    case 'and':
    case 'or':
      return isTrue(b)
    case '==':
      return compare(a, b) === 0
    case '!=':
      return compare(a, b) !== 0
    case '<':
      return compare(a, b) < 0
    case '<=':
      return compare(a, b) <= 0
    case '>':
      return compare(a, b) > 0
    case '>=':
      return compare(a, b) >= 0
    default:
      return compute(operator, a, b)
  }
}

const compute = (operator: string, a: Json, b: Json): Json => {
  if (operator === '+') {
    if (a === null) return b
    if (b === null) return a
    if (typeof a === 'string' && typeof b === 'string') return a + b
    if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b]
  }
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
const compare = (a: Json, b: Json): number => {
  const [rankA, rankB] = [rankOf(a), rankOf(b)]
  if (rankA !== rankB) return rankA - rankB
  if (typeof a === 'number') return a - (b as number)
  const [textA, textB] = typeof a === 'string' ? [a, b as string] : [JSON.stringify(a), JSON.stringify(b)]
  return textA < textB ? -1 : textA > textB ? 1 : 0
}

const text = (value: Json): string => (typeof value === 'string' ? value : fail('no text'))
const list = (value: Json): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : fail('no list'))

const lengthOf = (value: Json): number => {
  if (value === null) return 0
  if (typeof value === 'string') return [...value].length
  if (typeof value === 'number') return Math.abs(value)
  return typeof value === 'boolean' ? fail('has no length') : items(value).length
}
const numberOf = (value: Json): number => {
  if (typeof value === 'number') return value
  const number = Number(text(value))
  return Number.isNaN(number) ? fail('no number') : number
}

/** Functions of the input alone. */
const plain: Readonly<Record<string, (input: Json) => Json>> = {
  length: lengthOf,
  not: (input) => !isTrue(input),
  keys: (input) => (isMap(input) ? Object.keys(input).sort() : list(input).map((_, i) => i)),
  tonumber: numberOf,
  tostring: (input) => (typeof input === 'string' ? input : JSON.stringify(input)),
  type: (input) => (Array.isArray(input) ? 'array' : input === null ? 'null' : typeof input),
  first: (input) => at(input, 0),
  last: (input) => at(input, -1),
  any: (input) => items(input).some(isTrue),
  all: (input) => items(input).every(isTrue),
  add: (input) => items(input).reduce((sum, each) => compute('+', sum, each), null),
  min: (input) => list(input).reduce((best, each) => (compare(each, best) < 0 ? each : best), list(input)[0] ?? null),
  max: (input) => list(input).reduce((best, each) => (compare(each, best) > 0 ? each : best), list(input)[0] ?? null),
  ascii_downcase: (input) => text(input).toLowerCase(),
  ascii_upcase: (input) => text(input).toUpperCase(),
  floor: (input) => Math.floor(numberOf(input)),
  fromdateiso8601: (input) => Date.parse(text(input)) / 1000,
}

/** Functions of the input and of each value of their argument. */
const ofArgument: Readonly<Record<string, (input: Json, argument: Json) => Json>> = {
  has: (input, key) => (isMap(input) ? Object.hasOwn(input, text(key)) : typeof key === 'number' && key >= 0 && key < list(input).length),
  startswith: (input, word) => text(input).startsWith(text(word)),
  endswith: (input, word) => text(input).endsWith(text(word)),
  contains: (input, part) =>
    typeof input === 'string'
      ? input.includes(text(part))
      : list(part).every((one) => list(input).some((each) => compare(each, one) === 0)),
  test: (input, pattern) => compilePattern(text(pattern))(text(input)),
  split: (input, by) => text(input).split(text(by)),
  join: (input, by) => list(input).map(String).join(text(by)),
}

const closures = new Set(['select', 'map', 'any', 'all', 'first'])

const call = (name: string, [argument]: readonly Jq[], input: Json): readonly Json[] => {
  if (name === 'empty') return []
  if (!argument) return [(plain[name] as (input: Json) => Json)(input)]
  if (name === 'select')
    return evaluate(argument, input)
      .filter(isTrue)
      .map(() => input)
  if (name === 'map') return [items(input).flatMap((each) => evaluate(argument, each))]
  if (name === 'any') return [items(input).some((each) => evaluate(argument, each).some(isTrue))]
  if (name === 'all') return [items(input).every((each) => evaluate(argument, each).every(isTrue))]
  if (name === 'first') return evaluate(argument, input).slice(0, 1)
  return evaluate(argument, input).map((value) => (ofArgument[name] as (input: Json, argument: Json) => Json)(input, value))
}

/** Functions that do not exist are told when the expression is read, not when it is first needed. */
const check = (node: Jq, source: string): void => {
  if (node.is === 'call') {
    const { name, args } = node
    const known = args.length === 0 ? name === 'empty' || Object.hasOwn(plain, name) : closures.has(name) || Object.hasOwn(ofArgument, name)
    if (!known) throw new Error(`expression ${JSON.stringify(source)}: there is no function ${name} of ${args.length} arguments here`)
    for (const each of args) check(each, source)
    return
  }
  for (const part of Object.values(node)) if (typeof part === 'object' && part !== null && 'is' in part) check(part as Jq, source)
}
