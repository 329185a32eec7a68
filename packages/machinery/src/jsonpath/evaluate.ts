import { encodeSortedJson } from '../json/encode.ts'
import { goNumberText, goText, goType } from '../json/go-text.ts'
import { isJsonArray, isJsonObject, type Json, ownValue, sortedKeys } from '../json/value.ts'
import { type PathList, type PathNode, parseJsonPath, type SliceBound } from './parse.ts'

export interface JsonPathOptions {
  /** A key that is nowhere gives nothing instead of an error; kubectl's default. */
  readonly allowMissingKeys?: boolean
  /** Prints each result as an indented JSON list (-o jsonpath-as-json). */
  readonly asJson?: boolean
}

export interface JsonPath {
  /** The values that each part of the template finds. Text parts find their text. */
  find(data: Json): Json[][]
  /** The whole template with its values, as kubectl prints it. */
  print(data: Json): string
}

/** Compiles a template; throws client-go's texts, as finding does. Keys of maps are visited in sorted order. */
export const compileJsonPath = (template: string, options: JsonPathOptions = {}): JsonPath => {
  const nodes = parseJsonPath(template)
  const walker = { allowMissing: options.allowMissingKeys ?? false }
  const find = (data: Json): Json[][] => {
    const results: Json[][] = []
    walkFrom(walker, nodes, 0, data, false, results)
    return results
  }
  return {
    find,
    print: (data) =>
      find(data)
        .map((each) => (options.asJson ? jsonLines(each) : spaced(each)))
        .join(''),
  }
}

const jsonLines = (values: readonly Json[]): string => `${encodeSortedJson(values, '    ')}\n`
const spaced = (values: readonly Json[]): string => values.map(printed).join(' ')
const printed = (value: Json): string => {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return goNumberText(value)
  return typeof value === 'object' && value !== null ? encodeSortedJson(value) : String(value)
}

interface Walker {
  readonly allowMissing: boolean
}

/** Walks the template from part `from` until its end, or until the `end` of the surrounding range; gives that one's place. */
const walkFrom = (walker: Walker, nodes: readonly PathNode[], from: number, data: Json, inRange: boolean, results: Json[][]): number => {
  for (let i = from; i < nodes.length; i++) {
    const node = nodes[i] as PathNode
    const word = markOf(node)
    if (word === 'end') {
      if (inRange) return i
      throw new Error('not in range, nothing to end')
    }
    const found = walk(walker, [data], node)
    if (word !== 'range') {
      results.push(found)
      continue
    }
    for (const each of found) walkFrom(walker, nodes, i + 1, each, true, results)
    i = endOf(nodes, i + 1)
  }
  return nodes.length
}

/** `range` and `end` stand first in an action of their own. */
const markOf = (node: PathNode): string | undefined => {
  const mark = node.kind === 'list' ? node.nodes.find((each) => each.kind === 'identifier') : undefined
  return mark?.kind === 'identifier' && (mark.name === 'range' || mark.name === 'end') ? mark.name : undefined
}

const endOf = (nodes: readonly PathNode[], from: number): number => {
  let depth = 1
  for (let i = from; i < nodes.length; i++) {
    const word = markOf(nodes[i] as PathNode)
    if (word === 'range') depth++
    if (word === 'end' && --depth === 0) return i
  }
  // Upstream goes on behind a range that nothing ends, once more with what was outside of it.
  return from - 1
}

const walk = (walker: Walker, input: Json[], node: PathNode): Json[] => {
  switch (node.kind) {
    case 'text':
      return [node.text]
    case 'list':
      return walkList(walker, input, node)
    case 'field':
      return fields(walker, input, node.name)
    case 'slice':
      return input.flatMap((each) => slice(each, node.bounds))
    case 'filter':
      return input.flatMap((each) => filter(walker, each, node))
    case 'literal':
      return input.map(() => node.value)
    case 'wildcard':
      return input.flatMap(children)
    case 'recursive':
      return input.flatMap(descendants)
    case 'union':
      return node.lists.flatMap((list) => walkList(walker, input, list))
    case 'identifier':
      if (node.name === 'range' || node.name === 'end') return node.name === 'range' ? input : []
      throw new Error(`unrecognized identifier ${node.name}`)
  }
}

const walkList = (walker: Walker, input: Json[], list: PathList): Json[] =>
  list.nodes.reduce<Json[]>((values, node) => walk(walker, values, node), input)

const fields = ({ allowMissing }: Walker, input: readonly Json[], name: string): Json[] => {
  if (input.length === 0) return []
  const found: Json[] = []
  for (const each of input) {
    const value = isJsonObject(each) ? ownValue(each, name) : undefined
    if (value !== undefined) found.push(value)
  }
  if (found.length === 0 && !allowMissing) throw new Error(`${name} is not found`)
  return found
}

const children = (value: Json): Json[] => {
  if (isJsonArray(value)) return [...value]
  // A string's children are its bytes, as upstream has it.
  if (typeof value === 'string') return [...Buffer.from(value)]
  return isJsonObject(value) ? sortedKeys(value).map((key) => value[key] as Json) : []
}

/** All maps, lists and strings in a value, itself first. */
const descendants = (value: Json): Json[] => {
  const inner = children(value)
  return inner.length === 0 ? [] : [value, ...inner.flatMap(descendants)]
}

const outOfBounds = (index: number, length: number): Error => new Error(`array index out of bounds: index ${index}, length ${length}`)

const slice = (value: Json, [first, second, third]: readonly [SliceBound, SliceBound, SliceBound]): readonly Json[] => {
  if (value === null) return []
  if (!isJsonArray(value)) throw new Error(`${goType(value)} is not array or slice`)
  const { length } = value
  const from = !first.known ? 0 : first.value < 0 ? first.value + length : first.value
  let to = second.known ? second.value : length
  if (to < 0 || (to === 0 && second.derived)) to += length
  if (from === to) return []
  if (from >= length || from < 0) throw outOfBounds(from, length)
  if (to > length || to < 0) throw outOfBounds(to - 1, length)
  if (from > to) throw new Error(`starting index ${from} is greater than ending index ${to}`)
  if (third.known && third.value <= 0) throw new Error('step must be > 0')
  const step = third.known ? third.value : 1
  return value.slice(from, to).filter((_, i) => i % step === 0)
}

const filter = (walker: Walker, value: Json, { left, right, operator }: Extract<PathNode, { kind: 'filter' }>): Json[] => {
  if (!isJsonArray(value)) throw new Error(`${goText(value)} is not array or slice and cannot be filtered`)
  return value.filter((each) => {
    if (operator === 'exists') return exists(walker, each, left)
    const [a, b] = [one(walkList(walker, [each], left)), one(walkList(walker, [each], right))]
    return a !== undefined && b !== undefined && compare(a, b, operator)
  })
}

const exists = (walker: Walker, value: Json, path: PathList): boolean => {
  try {
    return walkList(walker, [value], path).length > 0
  } catch {
    return false
  }
}

const one = (values: readonly Json[]): Json | undefined => {
  if (values.length > 1) throw new Error('can only compare one element at a time')
  return values[0]
}

/** Numbers compare with numbers, text with text; booleans for equality only. */
const compare = (a: Json, b: Json, operator: string): boolean => {
  if (!['<', '>', '==', '!=', '<=', '>='].includes(operator)) throw new Error(`unrecognized filter operator ${operator}`)
  const [kindA, kindB] = [basicKind(a), basicKind(b)]
  if (kindA !== kindB) throw new Error('incompatible types for comparison')
  if (operator === '==' || operator === '!=') return (a === b) === (operator === '==')
  if (kindA === 'boolean') throw new Error('invalid type for comparison')
  const [x, y] = [a as string, b as string]
  switch (operator) {
    case '<':
      return x < y
    case '>':
      return x > y
    case '<=':
      return x <= y
    default:
      return x >= y
  }
}

const basicKind = (value: Json): string => {
  const kind = typeof value === 'bigint' ? 'number' : typeof value
  if (kind === 'object') throw new Error('invalid type for comparison')
  return kind
}
