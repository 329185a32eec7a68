import type { Checked } from './checking.ts'
import { estimateCall } from './estimate-calls.ts'
import { estimateMacro } from './estimate-macros.ts'
import { macroNameOf } from './macros.ts'
import type { CelNode } from './parse.ts'
import {
  type EntrySizes,
  type Estimating,
  fixed,
  type Locals,
  listBase,
  mapBase,
  plus,
  type Range,
  type SizeOf,
  union,
  unknown,
} from './ranges.ts'
import { isOptional, type StaticType } from './static-types.ts'

/** What a checked expression may cost, as cel-go estimates it. */
export const estimateCel = (checked: Checked, sizeOf: SizeOf): Range => {
  const paths = new Map<CelNode, readonly string[]>()
  const sizes = new Map<CelNode, Range>()
  const entrySizes = new Map<CelNode, EntrySizes>()
  const localOf = (node: CelNode, locals: Locals) => (node.is === 'name' ? locals.get(node.name) : undefined)
  const estimating: Estimating = {
    checked,
    sizeOf,
    cost: (node, locals) => costOf(estimating, node, locals),
    path: (node, locals) => localOf(node, locals)?.path ?? paths.get(node) ?? [],
    size: (node, locals) => {
      const known = sizes.get(node) ?? literalSize(node)
      if (known) return known
      const path = estimating.path(node, locals)
      const most = path.length > 0 ? sizeOf(path) : undefined
      if (most !== undefined) {
        sizes.set(node, { min: 0, max: most })
        return sizes.get(node)
      }
      return isScalar(checked.typeOf(node)) ? fixed(1) : localOf(node, locals)?.size
    },
    sizeOrUnknown: (node, locals) => estimating.size(node, locals) ?? unknown,
    entries: (node, locals) => entrySizes.get(node) ?? localOf(node, locals)?.entries,
    setSize: (node, size) => {
      if (size) sizes.set(node, size)
    },
    setEntries: (node, entries) => {
      if (entries) entrySizes.set(node, entries)
    },
    setPath: (node, path) => {
      paths.set(node, path)
    },
  }
  return estimating.cost(checked.node, new Map())
}

const literalSize = (node: CelNode): Range | undefined => {
  if (node.is === 'list') return fixed(node.items.length)
  if (node.is === 'map') return fixed(node.entries.length)
  if (node.is !== 'literal') return undefined
  if (typeof node.value === 'string') return fixed([...node.value].length)
  return fixed(node.value instanceof Uint8Array ? node.value.length : 1)
}

const scalars = new Set(['bool', 'int', 'uint', 'double', 'duration', 'timestamp'])
const isScalar = (type: StaticType): boolean =>
  (type.kind === 'simple' && scalars.has(type.name)) || (isOptional(type) && isScalar(type.params[0] as StaticType))

const one = fixed(1)

const costOf = (estimating: Estimating, node: CelNode, locals: Locals): Range => {
  const { setPath, path } = estimating
  switch (node.is) {
    case 'literal':
      return fixed(0)
    case 'name':
      setPath(node, locals.get(node.name)?.path ?? [node.name])
      return one
    case 'select':
      return selectCost(estimating, node, locals)
    case 'list':
      return listCost(estimating, node, locals)
    case 'map':
      return mapCost(estimating, node, locals)
    case 'call': {
      const macro = macroNameOf(node)
      if (macro) return estimateMacro(estimating, macro, node, locals)
      return node.name === 'dyn' && !node.target ? dynCost(estimating, node, locals) : estimateCall(estimating, node, locals)
    }
    case 'index': {
      const found = estimateCall(estimating, node, locals)
      const kind = estimating.checked.overloadsOf(node)
      if (kind.includes('index_list')) setPath(node, [...path(node.of, locals), '@items'])
      else if (kind.includes('index_map')) setPath(node, [...path(node.of, locals), '@values'])
      return found
    }
    default:
      return estimateCall(estimating, node, locals)
  }
}

const selectCost = ({ cost, checked, path, setPath }: Estimating, node: Extract<CelNode, { is: 'select' }>, locals: Locals): Range => {
  const of = cost(node.of, locals)
  if (node.optional) return plus(of, one)
  setPath(node, [...path(node.of, locals), node.field])
  return ['map', 'object', 'param'].includes(checked.typeOf(node.of).kind) ? plus(of, one) : of
}

const dynCost = (estimating: Estimating, node: Extract<CelNode, { is: 'call' }>, locals: Locals): Range => {
  const [arg] = node.args
  if (!arg) return one
  const found = plus(one, estimating.cost(arg, locals))
  estimating.setSize(node, estimating.size(arg, locals))
  estimating.setEntries(node, estimating.entries(arg, locals))
  return found
}

const spanOf = (estimating: Estimating, nodes: readonly CelNode[], locals: Locals): Range =>
  nodes.length === 0 ? fixed(0) : nodes.map((each) => estimating.sizeOrUnknown(each, locals)).reduce(union)

const listCost = (estimating: Estimating, node: Extract<CelNode, { is: 'list' }>, locals: Locals): Range => {
  const items = node.items.map((item) => estimating.cost(item, locals))
  estimating.setEntries(node, { of: 'list', key: one, value: spanOf(estimating, node.items, locals) })
  return plus(listBase, ...items)
}

const mapCost = (estimating: Estimating, node: Extract<CelNode, { is: 'map' }>, locals: Locals): Range => {
  const parts = node.entries.flat().map((part) => estimating.cost(part, locals))
  const span = (at: 0 | 1) =>
    spanOf(
      estimating,
      node.entries.map((entry) => entry[at]),
      locals,
    )
  estimating.setEntries(node, { of: 'map', key: span(0), value: span(1) })
  return plus(mapBase, ...parts)
}
