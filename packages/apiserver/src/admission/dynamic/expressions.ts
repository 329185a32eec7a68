import { CelError, type CelNode, type CelValue, celOf, evaluateCel, parseCel } from '@skiff/machinery'

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

/** What an expression comes to; a fault is in the words that a refusal shows. */
export const run = ({ source, node, fault }: Compiled, variables: Variables): Outcome => {
  if (!node) return { fault }
  try {
    return { value: evaluateCel(node, variables) }
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    return { fault: `expression '${source}' resulted in error: ${error.message}` }
  }
}

/** What a policy calls `variables`: each is worked out when it is asked for, once. */
export const lazyVariables = (given: readonly { readonly name: string; readonly compiled: Compiled }[], others: Variables): CelValue => {
  const known = new Map<CelValue, CelValue>()
  const values = new Map<CelValue, CelValue>()
  const scope = { ...others, variables: values as CelValue }
  const evaluated = (name: string): CelValue | undefined => {
    const held = known.get(name)
    if (held !== undefined) return held
    const variable = given.find((each) => each.name === name)
    if (!variable) return undefined
    const { node, fault } = variable.compiled
    if (!node) throw new CelError(`composited variable ${JSON.stringify(name)} fails to compile: ${fault}`)
    try {
      const value = evaluateCel(node, scope)
      known.set(name, value)
      return value
    } catch (error) {
      if (!(error instanceof CelError)) throw error
      throw new CelError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
    }
  }
  values.get = (key) => (typeof key === 'string' ? evaluated(key) : undefined)
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
  let fault: string | undefined
  for (const { compiled } of conditions) {
    const outcome = run(compiled, variables)
    if ('fault' in outcome) fault ??= outcome.fault
    else if (outcome.value !== true) return false
  }
  return fault === undefined ? true : { fault }
}
