import { CelError, type CelNode, type CelValue, celOf, evaluateCel, parseCel, perCallCost } from '@skiff/machinery'

/** An expression, or why it cannot be one. */
export interface Compiled {
  readonly source: string
  readonly node: CelNode | undefined
  readonly fault: string
}

export const compile = (source: string): Compiled => {
  try {
    return { source, node: parseCel(source), fault: '' }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { source, node: undefined, fault: `compilation error: compilation failed: ${error.message}` }
  }
}

export type Outcome = { readonly value: CelValue } | { readonly fault: string }
export type Variables = Readonly<Record<string, CelValue>>

/** What all expressions of one policy, or of one list of conditions, may still cost together. */
export interface Purse {
  left: number
}
/** Upstream's RuntimeCELCostBudget. */
export const policyCost = 10_000_000
const conditionsCost = 2_500_000

/** The whole evaluation ends here. */
export class PurseEmpty extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

const evaluated = (node: CelNode, variables: Variables, purse: Purse): CelValue => {
  const budget = { left: perCallCost }
  try {
    return evaluateCel(node, variables, budget)
  } finally {
    purse.left -= perCallCost - Math.max(budget.left, 0)
  }
}

/** What an expression comes to; a fault is in the words that a refusal shows. */
export const run = ({ source, node, fault }: Compiled, variables: Variables, purse: Purse): Outcome => {
  if (!node) return { fault }
  const outcome = outcomeOf(source, node, variables, purse)
  if (purse.left < 0) throw new PurseEmpty()
  return outcome
}

const outcomeOf = (source: string, node: CelNode, variables: Variables, purse: Purse): Outcome => {
  try {
    return { value: evaluated(node, variables, purse) }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { fault: `expression '${source}' resulted in error: ${error.message}` }
  }
}

/** What a policy calls `variables`: each is worked out when it is asked for, once. */
export const lazyVariables = (
  given: readonly { readonly name: string; readonly compiled: Compiled }[],
  others: Variables,
  purse: Purse,
): CelValue => {
  const known = new Map<CelValue, CelValue>()
  const values = new Map<CelValue, CelValue>()
  const scope = { ...others, variables: values as CelValue }
  const worked = (name: string): CelValue | undefined => {
    const held = known.get(name)
    if (held !== undefined) return held
    const variable = given.find((each) => each.name === name)
    if (!variable) return undefined
    const { node, fault } = variable.compiled
    if (!node) throw new CelError(`composited variable ${JSON.stringify(name)} fails to compile: ${fault}`)
    try {
      const value = evaluated(node, scope, purse)
      known.set(name, value)
      return value
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
    }
  }
  values.get = (key) => (typeof key === 'string' ? worked(key) : undefined)
  values.has = (key) => given.some(({ name }) => name === key)
  return values
}

/** An object, or the lack of one, as expressions see it. */
export const celObject = (object: unknown): CelValue => celOf(object ?? null)

export interface Condition {
  readonly name: string
  readonly compiled: Compiled
}

/** All conditions hold; one that does not decides even where another fails. */
export const conditionsHold = (conditions: readonly Condition[], variables: Variables): boolean | { readonly fault: string } => {
  const faults = new Set<string>()
  const purse = { left: conditionsCost }
  try {
    for (const { compiled } of conditions) {
      const outcome = run(compiled, variables, purse)
      if ('fault' in outcome) faults.add(outcome.fault)
      else if (outcome.value !== true) return false
    }
  } catch (error) {
    if (!(error instanceof PurseEmpty)) throw error
    return { fault: error.message }
  }
  const [first, ...more] = faults
  return first === undefined ? true : { fault: more.length > 0 ? `[${[...faults].join(', ')}]` : first }
}
