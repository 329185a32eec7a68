import { compilePattern } from '../pattern.ts'
import { parseTime } from '../time/timestamp.ts'
import { checkMacro } from './check-macros.ts'
import { type Checked, type Checking, type Declared, mismatch, selected } from './checking.ts'
import { type Overload, overloadsOf } from './declarations.ts'
import { placedText } from './lex.ts'
import { macroNameOf } from './macros.ts'
import { type CelNode, visit } from './parse.ts'
import {
  boolType,
  dynType,
  errorType,
  intType,
  listType,
  mapType,
  nullType,
  paramType,
  type StaticType,
  sameType,
  shownType,
  simpleType,
  stringType,
  typeType,
} from './static-types.ts'
import { durationOf, timestampOf } from './times.ts'
import { isLessSpecific, Unifier } from './unify.ts'
import { CelError, type CelValue, isTagged } from './value.ts'

const symbols: Readonly<Record<string, string>> = { in: '@in' }

/** The types of an expression's nodes; throws a CelError that tells all that is wrong, as upstream's compiler does. */
export const checkCel = (source: string, node: CelNode, declared: Declared): Checked => {
  const unifier = new Unifier()
  const types = new Map<CelNode, StaticType>()
  const chosen = new Map<CelNode, readonly string[]>()
  const faults: { readonly at: number; readonly text: string }[] = []
  const fault = (at: number, what: string): void => {
    faults.push({ at, text: placedText(source, at, what) })
  }
  const resolve: Checking['resolve'] = (of, name, args, member) => {
    const found = matching(unifier, overloadsOf(name) ?? [], args, member)
    if (found.ids.length === 0) {
      const shown = args.map((each) => shownType(unifier.resolve(each, true)))
      const given = member ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`
      fault(of.at, `found no matching overload for '${name}' applied to '${given}'`)
      return errorType
    }
    chosen.set(of, [...(chosen.get(of) ?? []), ...found.ids])
    return found.result
  }
  const typed = (of: CelNode, type: StaticType): StaticType => {
    types.set(of, type)
    return type
  }
  const checking: Checking = { unifier, check: (of, scope) => typed(of, checkNode(checking, of, scope)), fault, resolve, typed }
  const type = checking.check(node, declared)
  checkLiterals(node, fault)
  if (faults.length > 0)
    throw new CelError(
      faults
        .sort((a, b) => a.at - b.at)
        .map(({ text }) => text)
        .join('\n'),
    )
  return {
    node,
    type: unifier.resolve(type, true),
    typeOf: (of) => unifier.resolve(types.get(of) ?? dynType, true),
    overloadsOf: (of) => chosen.get(of) ?? [],
  }
}

const matching = (unifier: Unifier, overloads: readonly Overload[], args: readonly StaticType[], member: boolean) => {
  const ids: string[] = []
  let result: StaticType | undefined
  for (const overload of overloads) {
    if (overload.member !== member) continue
    const { wanted, made } = instance(unifier, overload)
    if (!unifier.assign(args, wanted)) continue
    ids.push(overload.id)
    const own = unifier.resolve(made)
    if (result === undefined) result = own
    else if (result.kind !== 'dyn' && !sameType(own, result)) result = dynType
  }
  return { ids, result: result ?? errorType }
}

/** An overload with parameters of its own. */
const instance = (unifier: Unifier, { args, result, generic }: Overload) => {
  if (!generic) return { wanted: args, made: result }
  const fresh = new Map<string, StaticType>()
  const replaced = (type: StaticType): StaticType => {
    if (type.kind !== 'param') return type.params.length === 0 ? type : { ...type, params: type.params.map(replaced) }
    const known = fresh.get(type.name) ?? unifier.fresh()
    fresh.set(type.name, known)
    return known
  }
  return { wanted: args.map(replaced), made: replaced(result) }
}

const checkNode = (checking: Checking, node: CelNode, scope: Declared): StaticType => {
  const { check, resolve } = checking
  switch (node.is) {
    case 'literal':
      return literalType(node.value)
    case 'name':
      return named(checking, node, scope)
    case 'select':
      return selected(checking, node, scope, node.optional)
    case 'index':
      return resolve(node, node.optional ? '_[?_]' : '_[_]', [check(node.of, scope), check(node.index, scope)], false)
    case 'list':
      return listType(joined(checking, node.items, scope))
    case 'map':
      return mapType(
        joined(
          checking,
          node.entries.map(([key]) => key),
          scope,
        ),
        joined(
          checking,
          node.entries.map(([, value]) => value),
          scope,
        ),
      )
    case 'and':
    case 'or':
      return junction(checking, node, scope)
    case 'if':
      return resolve(node, '_?_:_', [check(node.test, scope), check(node.then, scope), check(node.otherwise, scope)], false)
    case 'not':
      return resolve(node, '!_', [check(node.of, scope)], false)
    case 'minus':
      return resolve(node, '-_', [check(node.of, scope)], false)
    case 'binary':
      return resolve(node, symbols[node.operator] ?? `_${node.operator}_`, [check(node.left, scope), check(node.right, scope)], false)
    case 'call':
      return called(checking, node, scope)
  }
}

const literalType = (value: CelValue): StaticType => {
  if (value === null) return nullType
  if (typeof value === 'boolean') return boolType
  if (typeof value === 'bigint') return intType
  if (typeof value === 'number') return simpleType('double')
  if (typeof value === 'string') return stringType
  return simpleType(isTagged(value, 'uint') ? 'uint' : 'bytes')
}

/** By a name that the expression says, which may be any. */
const typeNames: ReadonlyMap<string, () => StaticType> = new Map([
  ['list', () => listType(paramType('list'))],
  ['map', () => mapType(paramType('key'), paramType('value'))],
  ['null_type', () => nullType],
  ['type', () => typeType(paramType('type'))],
])

const named = ({ fault }: Checking, { name, at }: Extract<CelNode, { is: 'name' }>, scope: Declared): StaticType => {
  const known = scope.get(name)
  if (known) return known
  if (['bool', 'int', 'uint', 'double', 'string', 'bytes'].includes(name)) return typeType(simpleType(name))
  const made = typeNames.get(name)
  if (made) return typeType(made())
  fault(at, `undeclared reference to '${name}' (in container '')`)
  return errorType
}

/** The one type of what is listed. */
const joined = (checking: Checking, items: readonly CelNode[], scope: Declared): StaticType => {
  let type: StaticType | undefined
  for (const item of items) {
    const own = checking.check(item, scope)
    if (type === undefined) type = own
    else if (checking.unifier.assign([type], [own])) type = isLessSpecific(type, own) ? type : own
    else {
      mismatch(checking, item.at, type, own)
      type = errorType
    }
  }
  return type ?? checking.unifier.fresh()
}

const junction = (checking: Checking, node: Extract<CelNode, { is: 'and' | 'or' }>, scope: Declared): StaticType => {
  let good = true
  for (const side of [node.left, node.right]) {
    const type = checking.check(side, scope)
    if (checking.unifier.assign([type], [boolType])) continue
    mismatch(checking, side.at, boolType, type)
    good = false
  }
  return good ? boolType : errorType
}

const called = (checking: Checking, node: Extract<CelNode, { is: 'call' }>, scope: Declared): StaticType => {
  const macro = macroNameOf(node)
  if (macro) return checkMacro(checking, macro, node, scope)
  const args = node.args.map((arg) => checking.check(arg, scope))
  const prefix = node.target && qualifierOf(node.target)
  const spaced = prefix === undefined ? undefined : `${prefix}.${node.name}`
  if (spaced !== undefined && overloadsOf(spaced)) return checking.resolve(node, spaced, args, false)
  const given = node.target ? [checking.check(node.target, scope), ...args] : args
  if (overloadsOf(node.name)) return checking.resolve(node, node.name, given, node.target !== undefined)
  checking.fault(node.at, `undeclared reference to '${node.name}' (in container '')`)
  return errorType
}

const qualifierOf = (node: CelNode): string | undefined => {
  if (node.is === 'name') return node.name
  const before = node.is === 'select' && !node.optional ? qualifierOf(node.of) : undefined
  return before !== undefined && node.is === 'select' ? `${before}.${node.field}` : undefined
}

/** Literals that a function will refuse whenever it is called. */
const checkLiterals = (node: CelNode, fault: (at: number, what: string) => void): void => {
  visit(node, (each) => {
    if (each.is !== 'call') return
    const arg = each.args[0]
    if (arg?.is !== 'literal' || typeof arg.value !== 'string') return
    const act = literalChecks[each.name]
    if (each.name !== 'matches' && each.target) return
    try {
      act?.(arg.value)
    } catch {
      fault(arg.at, `invalid ${each.name} argument`)
    }
  })
}

const literalChecks: Readonly<Record<string, (text: string) => unknown>> = {
  duration: durationOf,
  timestamp: (text) => timestampOf(text, parseTime),
  matches: (text) => compilePattern(text),
}
