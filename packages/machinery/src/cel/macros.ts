import { listCost } from './cost.ts'
import { compareCel } from './operators.ts'
import type { CelNode } from './parse.ts'
import { type CelScope, spend, truth, withVariables } from './scope.ts'
import { select } from './select.ts'
import { CelError, type CelValue, isList, isMap, isTagged, noOverload } from './value.ts'

type Call = Extract<CelNode, { is: 'call' }>
type Macro = (node: Call, scope: CelScope) => CelValue

const evaluate = (node: CelNode, scope: CelScope): CelValue => scope.evaluate(node, scope)

const counts: Readonly<Record<string, readonly number[]>> = {
  all: [2, 3],
  exists: [2, 3],
  exists_one: [2, 3],
  existsOne: [2, 3],
  map: [2, 3],
  filter: [2],
  optMap: [2],
  optFlatMap: [2],
  transformList: [3, 4],
  transformMap: [3, 4],
}

/** Which macro a call is, for those that look at it without evaluating it. */
export const macroNameOf = ({ name, target, args }: Call): string | undefined => {
  if (!target) return name === 'has' && args.length === 1 ? 'has' : undefined
  if (target.is === 'name' && target.name === 'cel' && name === 'bind' && args.length === 3) return 'bind'
  return Object.hasOwn(counts, name) && counts[name]?.includes(args.length) ? name : undefined
}

/** What looks like a call and is none: its arguments are expressions, not values. */
export const macroOf = (node: Call): Macro | undefined => {
  const { name, target, args } = node
  if (!target) return name === 'has' && args.length === 1 ? has : undefined
  if (target.is === 'name' && target.name === 'cel' && name === 'bind' && args.length === 3) return bind
  return args.length >= 2 && args[0]?.is === 'name' && Object.hasOwn(over, name) ? over[name] : undefined
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
    // What was found so far is looked at before each turn, within it and at the end.
    spend(scope, until === undefined ? 2 : 1)
    for (const round of all) {
      spend(scope, until === undefined ? 1 : until ? 4 : 3)
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

/** A turn costs what it adds, or a look at what is there. */
const turned = (scope: CelScope, kept: boolean, cost: number): boolean => {
  spend(scope, kept ? cost : 1)
  return kept
}

const filtered: Macro = (node, scope) => {
  const name = nameOf(node.args[0])
  spend(scope, listCost + 1)
  return rounds(node, scope, false)
    .filter((round) => turned(scope, truth(evaluate(node.args[1] as CelNode, round)), listCost + 3))
    .map((round) => round.variables.get(name) as CelValue)
}

const mapped: Macro = (node, scope) => {
  const [, second, third] = node.args
  spend(scope, listCost + 1)
  const chosen = rounds(node, scope, false).filter((round) => !third || turned(scope, truth(evaluate(second as CelNode, round)), 0))
  spend(scope, chosen.length * (listCost + 2))
  return chosen.map((round) => evaluate((third ?? second) as CelNode, round))
}

/** transformList and transformMap: a body, with a filter before it. */
const transformed = (node: Call, scope: CelScope): (readonly [CelScope, CelValue])[] => {
  const [, , third, fourth] = node.args
  spend(scope, listCost + 1)
  const kept = rounds(node, scope, true).filter((round) => !fourth || turned(scope, truth(evaluate(third as CelNode, round)), 0))
  spend(scope, kept.length * (listCost + 2))
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
