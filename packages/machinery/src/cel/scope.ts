import type { CelNode } from './parse.ts'
import { CelError, type CelValue, noOverload } from './value.ts'

/** What may still be spent. */
export interface Budget {
  left: number
}

/** What an evaluation has at hand. */
export interface CelScope {
  readonly variables: ReadonlyMap<string, CelValue>
  readonly budget: Budget
  /** The value of an expression in a scope, for macros, whose arguments are expressions. */
  readonly evaluate: (node: CelNode, scope: CelScope) => CelValue
}

export const withVariables = (scope: CelScope, ...added: readonly (readonly [string, CelValue])[]): CelScope => ({
  ...scope,
  variables: new Map([...scope.variables, ...added]),
})

export const truth = (value: CelValue): boolean => (typeof value === 'boolean' ? value : noOverload())

/** Takes what something costs; throws where nothing is left for it. */
export const spend = ({ budget }: CelScope, cost: number): void => {
  budget.left -= cost
  if (budget.left < 0) throw new CelError('operation cancelled: actual cost limit exceeded')
}
