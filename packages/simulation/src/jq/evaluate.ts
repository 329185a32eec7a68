import type { Json } from '@skiff/machinery'
import { closureFunctions } from './closures.ts'
import { formats, many, ofValues, plain } from './functions.ts'
import { type Jq, parseJq } from './parse.ts'
import { at, compare, compute, descend, Fault, fail, isMap, isTrue, items, mapOf, slice } from './values.ts'

/** A compiled expression: all that it finds in a value. Undefined when it fails there, as over what is not there. */
export type Query = (value: unknown) => readonly Json[] | undefined

type Variables = ReadonlyMap<string, Json>

/** Compiles an expression; throws a sentence when it is not understood. */
export const compileJq = (source: string): Query => {
  const tree = parseJq(source)
  check(tree, new Set(), (why) => {
    throw new Error(`expression ${JSON.stringify(source)}: ${why}`)
  })
  return (value) => {
    try {
      return evaluate(tree, value as Json, new Map())
    } catch (error) {
      if (isFault(error)) return undefined
      throw error
    }
  }
}

/** A pattern or a JSON text that is none is the value's fault as well. */
const isFault = (error: unknown): boolean =>
  error instanceof Fault || error instanceof SyntaxError || (error as Error).name === 'RE2JSSyntaxException'

const evaluate = (node: Jq, input: Json, variables: Variables): readonly Json[] => {
  const inner = (of: Jq, value = input): readonly Json[] => evaluate(of, value, variables)
  switch (node.is) {
    case 'self':
      return [input]
    case 'recurse':
      return descend(input)
    case 'literal':
      return [node.value]
    case 'variable':
      return [variables.get(node.name) ?? null]
    case 'field':
      return inner(node.of).map((value) => at(value, node.name))
    case 'index':
      return inner(node.of).flatMap((value) => inner(node.index).map((index) => at(value, index)))
    case 'slice':
      return inner(node.of).map((value) =>
        slice(value, node.from ? (inner(node.from)[0] ?? null) : null, node.to ? (inner(node.to)[0] ?? null) : null),
      )
    case 'each':
      return inner(node.of).flatMap(items)
    case 'try':
      return attempt(node, input, variables)
    case 'pipe':
      return inner(node.left).flatMap((value) => inner(node.right, value))
    case 'comma':
      return [...inner(node.left), ...inner(node.right)]
    case 'list':
      return [node.of ? [...inner(node.of)] : []]
    case 'map':
      return node.entries.reduce<readonly Json[]>(
        (maps, [key, value]) => maps.flatMap((made) => withEntry(made, inner(key), inner(value))),
        [mapOf([])],
      )
    case 'text':
      return [node.parts.map((part) => formatted(part, node.format, inner)).join('')]
    case 'if':
      return inner(node.test).flatMap((test) => inner(isTrue(test) ? node.then : node.otherwise))
    case 'as':
      return inner(node.of).flatMap((value) => evaluate(node.body, input, new Map(variables).set(node.name, value)))
    case 'reduce':
      return inner(node.of).reduce<readonly Json[]>(
        (held, value) => evaluate(node.next, held.at(-1) ?? null, new Map(variables).set(node.name, value)).slice(-1),
        inner(node.first).slice(-1),
      )
    case 'binary':
      return operate(node.operator, node.left, node.right, input, variables)
    case 'call':
      return call(node.name, node.args, input, variables)
  }
}

const withEntry = (made: Json, keys: readonly Json[], values: readonly Json[]): readonly Json[] =>
  keys.flatMap((key) =>
    values.map((value) =>
      typeof key === 'string' && isMap(made) ? mapOf([...Object.entries(made), [key, value]]) : fail('a key is no text'),
    ),
  )

/** Expressions within a text are lists of what they find. */
const formatted = (part: Jq, format: string, inner: (of: Jq) => readonly Json[]): string => {
  const write = formats[format] as (value: Json) => string
  if (part.is === 'literal') return String(part.value)
  const [found] = inner(part)
  return part.is === 'list' ? (found as readonly Json[]).map(write).join('') : write(found ?? null)
}

const attempt = ({ of, otherwise }: Extract<Jq, { is: 'try' }>, input: Json, variables: Variables): readonly Json[] => {
  try {
    return evaluate(of, input, variables)
  } catch (error) {
    if (!isFault(error)) throw error
    return otherwise ? evaluate(otherwise, (error as Error).message, variables) : []
  }
}

const operate = (operator: string, left: Jq, right: Jq, input: Json, variables: Variables): readonly Json[] => {
  if (operator === '//') {
    const found = attempt({ is: 'try', of: left, otherwise: undefined }, input, variables).filter(isTrue)
    return found.length > 0 ? found : evaluate(right, input, variables)
  }
  return evaluate(left, input, variables).flatMap((a): readonly Json[] => {
    if (operator === 'and' && !isTrue(a)) return [false]
    if (operator === 'or' && isTrue(a)) return [true]
    return evaluate(right, input, variables).map((b) => combine(operator, a, b))
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

const call = (name: string, args: readonly Jq[], input: Json, variables: Variables): readonly Json[] => {
  if (args.length === 0) return Object.hasOwn(many, name) ? (many[name]?.(input) ?? []) : [plain[name]?.(input) ?? null]
  const key = `${name}/${args.length}`
  const closures = args.map((arg) => (value: Json) => evaluate(arg, value, variables))
  if (Object.hasOwn(closureFunctions, key)) return closureFunctions[key]?.(input, ...closures) ?? []
  // Each value of an argument with each of the others.
  const given = closures.reduce<readonly (readonly Json[])[]>(
    (sets, closure) => sets.flatMap((set) => closure(input).map((value) => [...set, value])),
    [[]],
  )
  return given.map((values) => ofValues[key]?.(input, ...values) ?? null)
}

/** Functions and variables that do not exist are told when the expression is read, not when it is first needed. */
const check = (node: Jq, known: ReadonlySet<string>, refuse: (why: string) => never): void => {
  const among = new Set(known)
  if (node.is === 'call') {
    const { name, args } = node
    const key = `${name}/${args.length}`
    const exists =
      args.length === 0
        ? Object.hasOwn(plain, name) || Object.hasOwn(many, name)
        : Object.hasOwn(closureFunctions, key) || Object.hasOwn(ofValues, key)
    if (!exists) refuse(`there is no function ${name} of ${args.length} arguments here`)
  }
  if (node.is === 'variable' && !known.has(node.name)) refuse(`there is no variable $${node.name} here`)
  if (node.is === 'text' && !Object.hasOwn(formats, node.format)) refuse(`there is no format @${node.format} here`)
  if (node.is === 'as' || node.is === 'reduce') among.add(node.name)
  for (const [name, part] of Object.entries(node))
    for (const inner of partsOf(part)) check(inner, name === 'of' || name === 'first' ? known : among, refuse)
}

const partsOf = (part: unknown): readonly Jq[] => {
  if (Array.isArray(part)) return part.flatMap(partsOf)
  return typeof part === 'object' && part !== null && 'is' in part ? [part as Jq] : []
}
