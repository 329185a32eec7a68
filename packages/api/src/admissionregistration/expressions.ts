import { boolType, CelError, compileCel, dynType, invalidValue, sameType, simpleType } from '@skiff/machinery'
import type { Faults } from '../checks/faults.ts'

/** What an expression may speak of besides `params` and `variables`. */
const always = ['object', 'oldObject', 'request', 'namespaceObject']

/** What an expression has to come to, and what it may speak of. */
export interface Expected {
  readonly type?: 'bool' | 'string'
  /** `params` where a policy takes them, `variables` where it has some. */
  readonly names?: readonly string[]
}

/**
 * Whether an expression can be read and is of the right type; the types of objects are not known here, as upstream knows none of them.
 * What asks the authorizer is let through.
 */
export const checkExpression = (faults: Faults, source: string, path: string, { type, names = [] }: Expected): void => {
  const declared = new Map([...always, ...names].map((name) => [name, dynType]))
  const wanted = type === 'bool' ? boolType : simpleType('string')
  try {
    const checked = compileCel(source, new Map([...declared, ['authorizer', dynType]]))
    if (type !== undefined && !sameType(checked.type, wanted) && !sameType(checked.type, dynType))
      faults.push(invalidValue(path, source, `must evaluate to ${type}`))
  } catch (error) {
    if (!(error instanceof CelError)) throw error
    if (!asksAuthorizer(source)) faults.push(invalidValue(path, source, `compilation failed: ${error.message}`))
  }
}

const asksAuthorizer = (source: string): boolean => /\bauthorizer\b/.test(source)
