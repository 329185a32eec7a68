import type { CelNode } from './parse.ts'
import { type CelValue, isList, isMap } from './value.ts'

/** What making a list costs, and a map. */
export const listCost = 10
const mapCost = 30
const traversal = 0.1
/** An authorizer may live in another process, and is the dearest that an expression can call. */
const authorizeCost = 350_000
const regexLength = 0.25

/** What a node costs by itself, as cel-go counts it: names and fields one, what is made of others more, and calls by what they are given. */
export const costOfNode = (node: CelNode): number => {
  switch (node.is) {
    case 'name':
    case 'select':
    case 'index':
    case 'not':
    case 'minus':
      return 1
    case 'list':
      return listCost
    case 'map':
      return mapCost
    default:
      return 0
  }
}

const sizeOf = (value: CelValue | undefined): number => {
  if (typeof value === 'string' || value instanceof Uint8Array || isList(value as CelValue)) return (value as { length: number }).length
  return value !== undefined && isMap(value) ? value.size : 1
}

const over = (value: CelValue | undefined, factor = 1): number => Math.ceil(sizeOf(value) * factor * traversal)
const matching = (text: CelValue | undefined, pattern: CelValue | undefined): number =>
  Math.ceil((1 + sizeOf(text)) * traversal) * Math.ceil(sizeOf(pattern) * regexLength)

const isText = (value: CelValue): boolean => typeof value === 'string' || value instanceof Uint8Array

export const operatorCost = (operator: string, a: CelValue, b: CelValue): number => {
  switch (operator) {
    case '==':
    case '!=':
      return Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * traversal)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return isText(a) ? Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * traversal) : 1
    case '+':
      return isText(a) ? Math.ceil((sizeOf(a) + sizeOf(b)) * traversal) : 1
    case 'in':
      return isList(b) ? b.length : 1
    default:
      return 1
  }
}

/** Every value within a value, and the texts by their length. */
const traversed = (value: CelValue): number => {
  if (isText(value)) return Math.floor(sizeOf(value) * traversal)
  if (isList(value)) return value.reduce((sum: number, item) => sum + traversed(item), 0)
  if (isMap(value)) return [...value].reduce((sum, [key, item]) => sum + traversed(key) + traversed(item), 0)
  return 1
}

/** What a call costs for what it is given, its target first. */
export const callCost = (name: string, given: readonly CelValue[]): number => {
  const [first, second] = given
  switch (name) {
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'indexOf':
    case 'lastIndexOf':
      return first === undefined ? 0 : traversed(first)
    case 'url':
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
    case 'cidr':
    case 'isIP':
    case 'isCIDR':
    case 'ip':
    case 'quantity':
    case 'isQuantity':
    case 'startsWith':
    case 'endsWith':
    case 'strings.quote':
    case 'format':
      return over(first)
    case 'replace':
    case 'split':
    case 'ip.isCanonical':
      return over(first, 2)
    case 'matches':
    case 'find':
    case 'findAll':
      return matching(first, second)
    case 'contains':
      return over(first) * over(second)
    case 'bytes':
    case 'string':
      return first instanceof Uint8Array || typeof first === 'string' ? over(first) : 1
    case 'check':
      return authorizeCost
    case 'join':
      return 0
    default:
      return 1
  }
}

/** A joined text costs by its length, which is known afterwards. */
export const joinCost = (text: CelValue): number => over(text, 2)
