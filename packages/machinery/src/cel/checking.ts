import type { CelNode } from './parse.ts'
import { dynType, errorType, isOptional, isWild, optionalType, type StaticType, shownType } from './static-types.ts'
import type { Unifier } from './unify.ts'

export type Declared = ReadonlyMap<string, StaticType>

/** What is known of an expression's nodes without evaluating it. */
export interface Checked {
  readonly node: CelNode
  readonly type: StaticType
  typeOf(node: CelNode): StaticType
  /** Which ways of calling a function a node may mean. */
  overloadsOf(node: CelNode): readonly string[]
}

/** A check under way, for macros. */
export interface Checking {
  readonly unifier: Unifier
  check(node: CelNode, scope: Declared): StaticType
  fault(at: number, what: string): void
  /** The type of a call's result; errorType where no way of calling fits. */
  resolve(node: CelNode, name: string, args: readonly StaticType[], member: boolean): StaticType
  typed(node: CelNode, type: StaticType): StaticType
}

export const selected = (
  checking: Checking,
  { of, field, at }: Extract<CelNode, { is: 'select' }>,
  scope: Declared,
  optional: boolean,
): StaticType => {
  const whole = checking.unifier.resolve(checking.check(of, scope))
  const target = isOptional(whole) ? (whole.params[0] as StaticType) : whole
  const found = fieldOf(checking, target, field, at)
  return optional || isOptional(whole) ? optionalType(found) : found
}

const fieldOf = ({ fault, unifier }: Checking, target: StaticType, field: string, at: number): StaticType => {
  if (target.kind === 'map') return target.params[1] as StaticType
  if (target.kind === 'object') {
    const type = target.fields?.get(field)
    if (!type) fault(at, `undefined field '${field}'`)
    return type ?? errorType
  }
  if (target.kind === 'param') unifier.assign([dynType], [target])
  else if (!isWild(target)) fault(at, `type '${shownType(target)}' does not support field selection`)
  return dynType
}

export const mismatch = ({ fault, unifier }: Checking, at: number, wanted: StaticType, given: StaticType): void =>
  fault(at, `expected type '${shownType(unifier.resolve(wanted, true))}' but found '${shownType(unifier.resolve(given, true))}'`)
