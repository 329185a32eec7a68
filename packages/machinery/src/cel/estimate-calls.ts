import type { CelNode } from './parse.ts'
import { type Estimating, fixed, type Locals, plus, type Range, scaled, times, unbounded, union, unknown } from './ranges.ts'
import { type StaticType, sameType } from './static-types.ts'

/** What going over one character of a text costs, and one of a regular expression. */
export const traversal = 0.1
export const regexLength = 0.25

const one = fixed(1)

interface Estimate {
  readonly cost: Range
  readonly size?: Range | undefined
}

/** An argument: its type, its size where anything tells it, and the size of its items. */
interface Given {
  readonly node: CelNode
  readonly type: StaticType
  readonly size: Range
  readonly itemSize: Range
}

/** What a call or an operator costs: the widest range of all that it may mean. */
export const estimateCall = (estimating: Estimating, node: CelNode, locals: Locals): Range => {
  const { checked } = estimating
  const { name, target, args } = partsOf(node, checked.overloadsOf(node))
  const argCosts = args.map((arg) => estimating.cost(arg, locals))
  if (node.is === 'and' || node.is === 'or') {
    const [left, right] = argCosts as [Range, Range]
    return { min: left.min, max: plus(left, right).max }
  }
  const ids = checked.overloadsOf(node)
  if (ids.length === 0) return fixed(0)
  const before = target ? estimating.cost(target, locals) : fixed(0)
  const given = (each: CelNode): Given => givenOf(estimating, each, locals)
  let cost: Range = { min: unbounded, max: 0 }
  let size: Range | undefined
  for (const id of ids) {
    const found = ownEstimate(name, id, target && given(target), args.map(given))
    const whole = found
      ? { ...found, cost: plus(found.cost, ...argCosts) }
      : standardEstimate(estimating, node, id, target && given(target), args.map(given), argCosts, locals)
    cost = union(cost, whole.cost)
    if (whole.size) size = size ? union(size, whole.size) : whole.size
    if (id === 'index_list' || id === 'index_map') size = estimating.entries(args[0] as CelNode, locals)?.value
  }
  estimating.setSize(node, size)
  return plus(before, cost)
}

const partsOf = (node: CelNode, ids: readonly string[]): { name: string; target: CelNode | undefined; args: readonly CelNode[] } => {
  switch (node.is) {
    case 'call': {
      const spaced = node.target !== undefined && namespaced.has(ids[0] ?? '')
      return {
        name: spaced ? `${(node.target as { name?: string }).name}.${node.name}` : node.name,
        target: spaced ? undefined : node.target,
        args: node.args,
      }
    }
    case 'index':
      return { name: '_[_]', target: undefined, args: [node.of, node.index] }
    case 'if':
      return { name: '_?_:_', target: undefined, args: [node.test, node.then, node.otherwise] }
    case 'not':
    case 'minus':
      return { name: node.is, target: undefined, args: [node.of] }
    case 'and':
    case 'or':
    case 'binary':
      return { name: node.is === 'binary' ? `_${node.operator}_` : node.is, target: undefined, args: [node.left, node.right] }
    default:
      return { name: '', target: undefined, args: [] }
  }
}

/** What is called with a name before it that is no value. */
const namespaced = new Set([
  'list_sets_contains_list',
  'list_sets_equivalent_list',
  'list_sets_intersects_list',
  'optional_of',
  'optional_ofNonZeroValue',
  'optional_none',
  'ip_is_canonical',
  'strings_quote',
  'format-named',
])

const givenOf = (estimating: Estimating, node: CelNode, locals: Locals): Given => {
  const type = estimating.checked.typeOf(node)
  const path = estimating.path(node, locals)
  const most = path.length > 0 ? estimating.sizeOf([...path, '@items']) : undefined
  return { node, type, size: estimating.sizeOrUnknown(node, locals), itemSize: most === undefined ? unknown : { min: 0, max: most } }
}

/** What Kubernetes says of its own functions and of some others. */
const ownEstimate = (name: string, id: string, target: Given | undefined, args: readonly Given[]): Estimate | undefined => {
  const [first, second] = args
  switch (name) {
    case 'isSorted':
    case 'sum':
    case 'max':
    case 'min':
    case 'indexOf':
    case 'lastIndexOf':
      return target && { cost: overItems(target) }
    case 'url':
      return first && { cost: scaled(first.size, traversal), size: first.size }
    case 'lowerAscii':
    case 'upperAscii':
    case 'substring':
    case 'trim':
      return target && { cost: scaled(target.size, traversal), size: target.size }
    case 'replace':
      return (
        target && first && second && { cost: scaled(target.size, 2 * traversal), size: replacedSize(target.size, first.size, second.size) }
      )
    case 'split': {
      if (!target) return undefined
      const limit = second?.node.is === 'literal' && typeof second.node.value === 'bigint' ? Number(second.node.value) : target.size.max
      return { cost: scaled(target.size, 2 * traversal), size: { min: 0, max: limit < 0 ? unbounded : limit } }
    }
    case 'join':
      return target && joinedEstimate(target, first)
    case 'find':
    case 'findAll':
      return target && first && { cost: matchCost(target.size, first.size), size: { min: 0, max: target.size.max } }
    case 'ip':
      return target ? { cost: one } : undefined
    case 'containsIP':
    case 'containsCIDR':
      return target && first && { cost: containsCost(name, id, first) }
    case 'validate':
      return first && { cost: scaled(scaled(first.size, traversal), 128 * regexLength) }
    case '_==_':
      return first && second && nominal.has(first.type.name) && sameType(first.type, second.type) ? { cost: one } : undefined
    default:
      return accessors.has(name) ? { cost: one } : undefined
  }
}

const nominal = new Set(['net.IP', 'net.CIDR', 'kubernetes.Quantity', 'kubernetes.URL'])
const accessors = new Set(
  'masked prefixLength family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast sign asInteger isInteger asApproximateFloat isGreaterThan isLessThan compareTo add sub getScheme getHostname getHost getPort getEscapedPath getQuery'.split(
    ' ',
  ),
)

const overItems = ({ type, size, itemSize }: Given): Range => {
  const [item] = type.params
  if (!item) return scaled(size, traversal)
  const text = item.name === 'string' || item.name === 'bytes'
  return times(size, text ? plus(one, scaled(itemSize, traversal)) : one)
}

const replacedSize = (of: Range, from: Range, to: Range): Range => {
  const most =
    from.min === 0
      ? { count: of.max + 1, kept: of.max }
      : to.max <= from.min
        ? { count: 0, kept: of.max }
        : { count: Math.ceil(of.max / from.min), kept: 0 }
  const least =
    from.max === 0
      ? { count: of.min + 1, kept: of.min }
      : from.max <= to.min
        ? { count: 0, kept: of.min }
        : { count: Math.ceil(of.min / from.max), kept: 0 }
  return plus(times({ min: least.count, max: most.count }, to), { min: least.kept, max: most.kept })
}

const joinedEstimate = (list: Given, separator: Given | undefined): Estimate => {
  const items = times(list.size, list.itemSize)
  const gaps = { min: Math.max(list.size.min - 1, 0), max: Math.max(list.size.max - 1, 0) }
  const size = separator ? plus(items, times(separator.size, gaps)) : items
  return { cost: scaled(size, traversal), size }
}

const matchCost = (text: Range, pattern: Range): Range => times(scaled(plus(text, one), traversal), scaled(pattern, regexLength))

const containsCost = (name: string, id: string, other: Given): Range => {
  const address = { min: 4, max: 16 }
  const base = scaled(plus(address, address), traversal)
  const masked = name === 'containsCIDR' ? plus(scaled(address, traversal), one) : fixed(0)
  return plus(base, masked, id.endsWith('_string') ? scaled(other.size, traversal) : fixed(0))
}

/** What cel-go says of the rest. */
const standardEstimate = (
  estimating: Estimating,
  node: CelNode,
  id: string,
  target: Given | undefined,
  args: readonly Given[],
  argCosts: readonly Range[],
  locals: Locals,
): Estimate => {
  const [first, second] = args as [Given, Given]
  const [a, b, c] = argCosts as [Range, Range, Range]
  const all = plus(...argCosts)
  switch (id) {
    case 'string_format':
      return { cost: plus(scaled((target as Given).size, traversal), all) }
    case 'string_to_bytes':
      return { cost: plus(scaled(first.size, traversal), all), size: { min: first.size.min, max: first.size.max * 4 } }
    case 'bytes_to_string':
      return { cost: plus(scaled(first.size, traversal), all), size: { min: Math.floor(first.size.min / 4), max: first.size.max } }
    case 'strings_quote':
      return { cost: plus(scaled(first.size, traversal), all), size: { min: first.size.min + 2, max: first.size.max * 2 + 2 } }
    case 'starts_with_string':
    case 'ends_with_string':
      return { cost: plus(scaled(first.size, traversal), all) }
    case 'in_list':
      return { cost: plus(second.size, all) }
    case 'matches_string':
      return { cost: plus(matchCost((target as Given).size, first.size), all) }
    case 'contains_string':
      return { cost: plus(times(scaled((target as Given).size, traversal), scaled(first.size, traversal)), all) }
    case 'conditional':
      estimating.setEntries(node, joinedEntries(estimating, args[1] as Given, args[2] as Given, locals))
      return { cost: plus(a, union(b, c)), size: union((args[1] as Given).size, (args[2] as Given).size) }
    case 'add_string':
    case 'add_bytes':
    case 'add_list': {
      const size = plus(first.size, second.size)
      estimating.setEntries(node, joinedEntries(estimating, first, second, locals))
      return { cost: plus(id === 'add_list' ? one : scaled(size, traversal), all), size }
    }
    default:
      if (comparing.test(id)) return { cost: plus(scaled(comparedSize(first.size, second.size), traversal), all) }
      return { cost: plus(one, all) }
  }
}

const comparing = /^(?:equals|not_equals|(?:less|greater)(?:_equals)?_(?:string|bytes))$/

const comparedSize = (a: Range, b: Range): Range => {
  const max = Math.min(a.max, b.max)
  return { min: max > 0 ? 1 : 0, max }
}

const joinedEntries = (estimating: Estimating, a: Given, b: Given, locals: Locals) => {
  const [x, y] = [estimating.entries(a.node, locals), estimating.entries(b.node, locals)]
  return x && y ? { of: x.of, key: union(x.key, y.key), value: union(x.value, y.value) } : undefined
}
