import { callCost, costOfNode, joinCost, operatorCost } from './cost.ts'
import { functionOf } from './functions.ts'
import { macroOf } from './macros.ts'
import { arithmetic, checkedInt, compareCel, contains, equal, keyIn, numberOf } from './operators.ts'
import type { CelNode } from './parse.ts'
import { type Budget, type CelScope, spend, truth } from './scope.ts'
import { missing, select } from './select.ts'
import { CelError, type CelValue, isList, isMap, isTagged, noOverload } from './value.ts'

/** What one evaluation may cost. */
export const perCallCost = 1_000_000

/** The value of an expression; throws a CelError. What is spent is taken from the budget, whatever comes of it. */
export const evaluateCel = (
  node: CelNode,
  variables: Readonly<Record<string, CelValue>>,
  budget: Budget = { left: perCallCost },
): CelValue => evaluate(node, { variables: new Map(Object.entries(variables)), budget, evaluate })

const evaluate = (node: CelNode, scope: CelScope): CelValue => {
  spend(scope, costOfNode(node))
  switch (node.is) {
    case 'literal':
      return node.value
    case 'name':
      return named(node.name, scope)
    case 'select':
      return select(evaluate(node.of, scope), node.field, node.optional)
    case 'index':
      return index(evaluate(node.of, scope), evaluate(node.index, scope), node.optional)
    case 'list':
      return node.items.map((item) => evaluate(item, scope))
    case 'map':
      return new Map(node.entries.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)] as const))
    case 'and':
    case 'or':
      return junction(node, scope)
    case 'if':
      return evaluate(truth(evaluate(node.test, scope)) ? node.then : node.otherwise, scope)
    case 'not':
      return !truth(evaluate(node.of, scope))
    case 'minus':
      return minus(evaluate(node.of, scope))
    case 'binary':
      return binary(node.operator, evaluate(node.left, scope), evaluate(node.right, scope), scope)
    case 'call':
      return call(node, scope)
  }
}

const typeNames = new Set(['bool', 'int', 'uint', 'double', 'string', 'bytes', 'list', 'map', 'null_type', 'type'])

const named = (name: string, scope: CelScope): CelValue => {
  const value = scope.variables.get(name)
  if (value !== undefined) return value
  if (typeNames.has(name)) return { is: 'type', name }
  throw new CelError(`undeclared reference to '${name}' (in container '')`)
}

const minus = (value: CelValue): CelValue =>
  typeof value === 'bigint' ? checkedInt(-value) : typeof value === 'number' ? -value : noOverload()

/** Either side alone may decide, so that an error of the other does not count. */
const junction = ({ is, left, right }: { is: 'and' | 'or'; left: CelNode; right: CelNode }, scope: CelScope): boolean => {
  const decides = is === 'or'
  let failure: CelError | undefined
  try {
    if (truth(evaluate(left, scope)) === decides) return decides
  } catch (error) {
    if (!(error instanceof CelError) || scope.budget.left < 0) throw error
    failure = error
  }
  if (truth(evaluate(right, scope)) === decides) return decides
  if (failure) throw failure
  return !decides
}

const binary = (operator: string, a: CelValue, b: CelValue, scope: CelScope): CelValue => {
  spend(scope, operatorCost(operator, a, b))
  switch (operator) {
    case '==':
      return equal(a, b)
    case '!=':
      return !equal(a, b)
    case '<':
      return compareCel(a, b) < 0
    case '<=':
      return compareCel(a, b) <= 0
    case '>':
      return compareCel(a, b) > 0
    case '>=':
      return compareCel(a, b) >= 0
    case 'in':
      return contains(a, b)
    default:
      return arithmetic(operator, a, b)
  }
}

const index = (of: CelValue, at: CelValue, optional: boolean): CelValue => {
  if (isTagged(of, 'optional')) return of.value === undefined ? missing : index(of.value, at, true)
  const found = isMap(of) ? keyIn(of, at) : isList(of) ? elementAt(of, at, optional) : noOverload()
  if (optional) return { is: 'optional', value: found }
  if (found === undefined) throw new CelError(`no such key: ${String(at)}`)
  return found
}

const elementAt = (list: readonly CelValue[], at: CelValue, optional: boolean): CelValue | undefined => {
  const number = numberOf(at)
  if (number === undefined || !Number.isInteger(Number(number))) return noOverload()
  const value = list[Number(number)]
  if (value === undefined && !optional) throw new CelError(`index out of bounds: ${number}`)
  return value
}

/** `math.greatest` and their like: a name in front that is no variable belongs to the function. */
const qualified = ({ name, target }: { name: string; target: CelNode | undefined }, scope: CelScope): string | undefined =>
  target?.is === 'name' && !scope.variables.has(target.name) && functionOf(`${target.name}.${name}`) ? `${target.name}.${name}` : undefined

const call = (node: Extract<CelNode, { is: 'call' }>, scope: CelScope): CelValue => {
  const macro = macroOf(node)
  if (macro) return macro(node, scope)
  const spaced = qualified(node, scope)
  const act = functionOf(spaced ?? node.name)
  if (!act) throw new CelError(`undeclared reference to '${node.name}' (in container '')`)
  const args = node.args.map((arg) => evaluate(arg, scope))
  const given = node.target && !spaced ? [evaluate(node.target, scope), ...args] : args
  const name = spaced ?? node.name
  spend(scope, Math.min(callCost(name, given), scope.budget.left + 1))
  try {
    const value = act(given, node.target !== undefined && !spaced)
    if (name === 'join') spend(scope, joinCost(value))
    return value
  } catch (error) {
    // A function may be called with anything, or with nothing.
    if (error instanceof TypeError || error instanceof RangeError) return noOverload()
    throw error
  }
}
