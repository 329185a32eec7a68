import type { CelNode } from './parse.ts'
import { type CelValue, noOverload } from './value.ts'

/** What an evaluation has at hand. `left` counts the steps that it may still take. */
export interface CelScope {
  readonly variables: ReadonlyMap<string, CelValue>
  readonly budget: { left: number }
  /** The value of an expression in a scope, for macros, whose arguments are expressions. */
  readonly evaluate: (node: CelNode, scope: CelScope) => CelValue
}

export const withVariables = (scope: CelScope, ...added: readonly (readonly [string, CelValue])[]): CelScope => ({
  ...scope,
  variables: new Map([...scope.variables, ...added]),
})

export const truth = (value: CelValue): boolean => (typeof value === 'boolean' ? value : noOverload())
