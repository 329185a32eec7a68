import { type Checking, type Declared, mismatch, selected } from './checking.ts'
import type { CelNode } from './parse.ts'
import {
  boolType,
  dynType,
  errorType,
  intType,
  isOptional,
  isWild,
  listType,
  mapType,
  optionalType,
  type StaticType,
  shownType,
} from './static-types.ts'

type Call = Extract<CelNode, { is: 'call' }>

/** The type of a macro's value: what upstream finds in the comprehension that the macro stands for. */
export const checkMacro = (checking: Checking, name: string, node: Call, scope: Declared): StaticType => {
  const [first, second, third] = node.args as [CelNode, CelNode, CelNode]
  switch (name) {
    case 'has':
      return checkHas(checking, first, scope)
    case 'bind':
      return checking.check(third, inner(checking, scope, [first, checking.check(second, scope)]))
    case 'optMap':
    case 'optFlatMap':
      return checkOptional(checking, name === 'optFlatMap', node, scope)
    default:
      return checkOver(checking, name, node, scope)
  }
}

const checkHas = (checking: Checking, field: CelNode, scope: Declared): StaticType => {
  if (field.is !== 'select') checking.fault(field.at, 'invalid argument to has() macro')
  else checking.typed(field, selected(checking, field, scope, false))
  return boolType
}

const inner = ({ fault }: Checking, scope: Declared, ...added: readonly (readonly [CelNode, StaticType])[]): Declared => {
  const made = new Map(scope)
  for (const [name, type] of added) {
    if (name.is === 'name') made.set(name.name, type)
    else fault(name.at, 'argument must be a simple name')
  }
  return made
}

const checkOptional = (checking: Checking, flat: boolean, { target, args, at }: Call, scope: Declared): StaticType => {
  const [name, body] = args as [CelNode, CelNode]
  const of = checking.unifier.resolve(checking.check(target as CelNode, scope))
  if (!isOptional(of) && !isWild(of)) {
    checking.fault(at, `found no matching overload for 'hasValue' applied to '${shownType(of)}.()'`)
    return errorType
  }
  const type = checking.check(body, inner(checking, scope, [name, of.params[0] ?? dynType]))
  return flat ? type : optionalType(type)
}

/** The variables of a macro that goes over a list or a map. */
const rangeOf = (checking: Checking, target: CelNode, scope: Declared, two: boolean): readonly [StaticType, StaticType] => {
  const range = checking.unifier.resolve(checking.check(target, scope))
  const [first, second] = range.params
  if (range.kind === 'list') return two ? [intType, first as StaticType] : [first as StaticType, first as StaticType]
  if (range.kind === 'map') return [first as StaticType, second as StaticType]
  if (range.kind === 'param') checking.unifier.assign([dynType], [range])
  else if (!isWild(range)) {
    checking.fault(target.at, `expression of type '${shownType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`)
    return [errorType, errorType]
  }
  return [dynType, dynType]
}

const checkOver = (checking: Checking, name: string, node: Call, scope: Declared): StaticType => {
  const { args } = node
  const twice = name.startsWith('transform') || (args.length === 3 && name !== 'map')
  const [key, value] = rangeOf(checking, node.target as CelNode, scope, twice)
  const names = args.slice(0, twice ? 2 : 1)
  const within = inner(checking, scope, [names[0] as CelNode, key], ...(twice ? [[names[1] as CelNode, value] as const] : []))
  const bodies = args.slice(names.length)
  const types = bodies.map((body) => checking.check(body, within))
  const last = types.at(-1) as StaticType
  const filtered = name === 'filter' || name === 'exists_one' || name === 'existsOne' || bodies.length === 2
  if (filtered && !checking.unifier.assign([types[0] as StaticType], [boolType])) return noCondition(checking, node, name, types, key)
  switch (name) {
    case 'all':
    case 'exists':
      if (!checking.unifier.assign([last], [boolType])) mismatch(checking, (bodies.at(-1) as CelNode).at, boolType, last)
      return boolType
    case 'exists_one':
    case 'existsOne':
      return boolType
    case 'filter':
      return listType(key)
    case 'transformMap':
      return mapType(key, last)
    default:
      return listType(last)
  }
}

/** Where a filter is no condition: upstream finds it in the conditional that it makes of the macro. */
const noCondition = (checking: Checking, { at }: Call, name: string, types: readonly StaticType[], key: StaticType): StaticType => {
  const made = name === 'filter' ? listType(key) : name.startsWith('exists') ? intType : listType(types.at(-1) as StaticType)
  const shown = [types[0] as StaticType, made, made].map((type) => shownType(checking.unifier.resolve(type, true)))
  checking.fault(at, `found no matching overload for '_?_:_' applied to '(${shown.join(', ')})'`)
  return errorType
}
