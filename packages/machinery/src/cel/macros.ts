import { compareCel } from './operators.ts'
import type { CelNode } from './parse.ts'
import { type CelScope, truth, withVariables } from './scope.ts'
import { select } from './select.ts'
import { CelError, type CelValue, isList, isMap, isTagged, noOverload } from './value.ts'

type Call = Extract<CelNode, { is: 'call' }>
type Macro = (node: Call, scope: CelScope) => CelValue

const evaluate = (node: CelNode, scope: CelScope): CelValue => scope.evaluate(node, scope)

/** What looks like a call and is none: its arguments are expressions, not values. */
export const macroOf = (node: Call): Macro | undefined => {
  const { name, target, args } = node
  if (!target) return name === 'has' && args.length === 1 ? has : undefined
  if (target.is === 'name' && target.name === 'cel' && name === 'bind' && args.length === 3) return bind
  const known = args.length >= 2 && args[0]?.is === 'name' ? over[name] : undefined
  return known
}

const has: Macro = ({ args: [field] }, scope) => {
  if (field?.is !== 'select') throw new CelError('invalid argument to has() macro')
  const of = evaluate(field.of, scope)
  const found = select(of, field.field, true)
  return isTagged(found, 'optional') && found.value !== undefined
}

const bind: Macro = ({ args: [name, value, body] }, scope) =>
  evaluate(body as CelNode, withVariables(scope, [nameOf(name), evaluate(value as CelNode, scope)]))

const nameOf = (node: CelNode | undefined): string => {
  if (node?.is !== 'name') throw new CelError('argument must be a simple name')
  return node.name
}

/** The elements of a list or the keys of a map; with two variables, index or key and value. */
const rounds = (node: Call, scope: CelScope, two: boolean): CelScope[] => {
  const of = evaluate(node.target as CelNode, scope)
  const first = nameOf(node.args[0])
  const pairs: (readonly [CelValue, CelValue])[] = isList(of)
    ? of.map((item, index) => (two ? [BigInt(index), item] : [item, item]))
    : isMap(of)
      ? [...of]
      : noOverload()
  return pairs.map(([key, value]) =>
    two ? withVariables(scope, [first, key], [nameOf(node.args[1]), value]) : withVariables(scope, [first, key]),
  )
}

const quantifier =
  (decide: (holds: number, of: number) => boolean, until: boolean | undefined): Macro =>
  (node, scope) => {
    const body = node.args.at(-1) as CelNode
    let holds = 0
    let failure: CelError | undefined
    const all = rounds(node, scope, node.args.length === 3)
    for (const round of all) {
      try {
        const answer = truth(evaluate(body, round))
        if (answer) holds++
        if (answer === until) return until
      } catch (error) {
        if (!(error instanceof CelError) || until === undefined || scope.budget.left < 0) throw error
        failure ??= error
      }
    }
    if (failure) throw failure
    return decide(holds, all.length)
  }

const optionally =
  (flat: boolean): Macro =>
  ({ target, args: [name, body] }, scope) => {
    const optional = evaluate(target as CelNode, scope)
    if (!isTagged(optional, 'optional')) return noOverload()
    if (optional.value === undefined) return optional
    const value = evaluate(body as CelNode, withVariables(scope, [nameOf(name), optional.value]))
    return flat ? value : { is: 'optional', value }
  }

const filtered: Macro = (node, scope) => {
  const name = nameOf(node.args[0])
  return rounds(node, scope, false)
    .filter((round) => truth(evaluate(node.args[1] as CelNode, round)))
    .map((round) => round.variables.get(name) as CelValue)
}

const mapped: Macro = (node, scope) => {
  const [, second, third] = node.args
  const chosen = third
    ? rounds(node, scope, false).filter((round) => truth(evaluate(second as CelNode, round)))
    : rounds(node, scope, false)
  return chosen.map((round) => evaluate((third ?? second) as CelNode, round))
}

/** transformList and transformMap: a body, with a filter before it. */
const transformed = (node: Call, scope: CelScope): (readonly [CelScope, CelValue])[] => {
  const [, , third, fourth] = node.args
  const kept = rounds(node, scope, true).filter((round) => !fourth || truth(evaluate(third as CelNode, round)))
  return kept.map((round) => [round, evaluate((fourth ?? third) as CelNode, round)])
}

const over: Readonly<Record<string, Macro>> = {
  all: quantifier((holds, of) => holds === of, false),
  exists: quantifier((holds) => holds > 0, true),
  exists_one: quantifier((holds) => holds === 1, undefined),
  existsOne: quantifier((holds) => holds === 1, undefined),
  filter: filtered,
  map: mapped,
  optMap: optionally(false),
  optFlatMap: optionally(true),
  transformList: (node, scope) => transformed(node, scope).map(([, value]) => value),
  transformMap: (node, scope) =>
    new Map(transformed(node, scope).map(([round, value]) => [round.variables.get(nameOf(node.args[0])) as CelValue, value])),
  sortBy: (node, scope) => sortedBy(node, scope),
}

const sortedBy: Macro = (node, scope) => {
  const name = nameOf(node.args[0])
  const keyed = rounds(node, scope, false).map(
    (round) => [round.variables.get(name) as CelValue, evaluate(node.args[1] as CelNode, round)] as const,
  )
  return [...keyed].sort(([, a], [, b]) => compareCel(a, b)).map(([item]) => item)
}
