import type { CelNode } from './parse.ts'
import {
  type EntrySizes,
  type Estimating,
  fixed,
  type Local,
  type Locals,
  listBase,
  mapBase,
  plus,
  type Range,
  times,
  union,
} from './ranges.ts'

type Call = Extract<CelNode, { is: 'call' }>
const one = fixed(1)

/** What the comprehension costs that a macro stands for. */
export const estimateMacro = (estimating: Estimating, name: string, node: Call, locals: Locals): Range => {
  const [first, second, third] = node.args as [CelNode, CelNode, CelNode]
  switch (name) {
    case 'has':
      return first.is === 'select' ? estimating.cost(first.of, locals) : fixed(0)
    case 'bind':
      return bound(estimating, node, first, estimating.cost(second, locals), localOf(estimating, second, locals), third, locals)
    case 'optMap':
    case 'optFlatMap': {
      const of = estimating.cost(node.target as CelNode, locals)
      const bind = bound(estimating, node, first, plus(of, one), { path: [], size: undefined, entries: undefined }, second, locals)
      return plus(of, one, union(name === 'optMap' ? plus(bind, one) : bind, one))
    }
    default:
      return overCost(estimating, name, node, locals)
  }
}

const localOf = (estimating: Estimating, node: CelNode, locals: Locals): Local => ({
  path: estimating.path(node, locals),
  size: estimating.size(node, locals),
  entries: estimating.entries(node, locals),
})

const bound = (estimating: Estimating, node: Call, name: CelNode, value: Range, local: Local, body: CelNode, locals: Locals): Range => {
  const within = name.is === 'name' ? new Map([...locals, [name.name, local]]) : locals
  const found = plus(listBase, value, estimating.cost(body, within))
  estimating.setSize(node, estimating.size(body, within))
  estimating.setEntries(node, estimating.entries(body, within))
  return found
}

/** The variables of one turn over a list or a map. */
const turn = (estimating: Estimating, node: Call, locals: Locals, names: readonly CelNode[]): Locals => {
  const range = node.target as CelNode
  const entries = estimating.entries(range, locals)
  const isList = (entries?.of ?? estimating.checked.typeOf(range).kind) === 'list'
  const path = estimating.path(range, locals)
  const key: Local = { path: [...path, isList ? '@indices' : '@keys'], size: entries?.key, entries: undefined }
  const value: Local = { path: [...path, isList ? '@items' : '@values'], size: entries?.value, entries: undefined }
  const given = names.length === 2 ? [key, value] : [isList ? value : key]
  return new Map([...locals, ...names.flatMap((name, index) => (name.is === 'name' ? [[name.name, given[index] as Local] as const] : []))])
}

const overCost = (estimating: Estimating, name: string, node: Call, locals: Locals): Range => {
  const range = node.target as CelNode
  const before = estimating.cost(range, locals)
  const twice = name.startsWith('transform') || (node.args.length === 3 && name !== 'map')
  const within = turn(estimating, node, locals, node.args.slice(0, twice ? 2 : 1))
  const bodies = node.args.slice(twice ? 2 : 1)
  const costs = bodies.map((body) => estimating.cost(body, within))
  const { start, step, result, entries } = loopOf(estimating, name, node, bodies, costs, within)
  const count = estimating.sizeOrUnknown(range, locals)
  estimating.setSize(node, entries ? count : one)
  estimating.setEntries(node, entries)
  return plus(before, start, result, times(count, step))
}

interface Loop {
  readonly start: Range
  readonly step: Range
  readonly result: Range
  readonly entries: EntrySizes | undefined
}

const loopOf = (
  estimating: Estimating,
  name: string,
  node: Call,
  bodies: readonly CelNode[],
  costs: readonly Range[],
  within: Locals,
): Loop => {
  const [first, last] = [costs[0] as Range, costs.at(-1) as Range]
  const collected = (of: CelNode): EntrySizes => ({
    of: 'list',
    key: one,
    value: { min: 0, max: estimating.sizeOrUnknown(of, within).max },
  })
  switch (name) {
    case 'all':
    case 'exists':
      // Its condition looks at what was found so far, and its step at that and the body, which it may do without.
      return { start: fixed(0), step: plus(fixed(name === 'all' ? 2 : 3), { min: 1, max: 1 + last.max }), result: one, entries: undefined }
    case 'exists_one':
    case 'existsOne':
      return { start: fixed(0), step: plus(first, { min: 1, max: 2 }), result: fixed(2), entries: undefined }
    case 'filter':
      return { start: listBase, step: plus(first, { min: 1, max: 13 }), result: one, entries: collected(node.args[0] as CelNode) }
    case 'transformMap':
      return { start: mapBase, step: filtered(costs, plus(fixed(3), last)), result: one, entries: undefined }
    default:
      return { start: listBase, step: filtered(costs, plus(fixed(12), last)), result: one, entries: collected(bodies.at(-1) as CelNode) }
  }
}

/** With a filter before the body, a step may be the filter alone. */
const filtered = (costs: readonly Range[], step: Range): Range => (costs.length === 2 ? plus(costs[0] as Range, union(step, one)) : step)
