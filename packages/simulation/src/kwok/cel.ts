import { CelError, type CelValue, celOf, compileCel, dynType, evaluateCel } from '@skiff/machinery'

/** Compiles an expression over `self`, the object; throws a sentence. The compiled answers undefined where it fails. */
export const compileSelf = (source: string): ((object: unknown) => CelValue | undefined) => {
  const { node } = compiled(source)
  return (object) => {
    try {
      return evaluateCel(node, { self: celOf(object) })
    } catch (error) {
      if (error instanceof CelError) return undefined
      throw error
    }
  }
}

const compiled = (source: string) => {
  try {
    return compileCel(source, new Map([['self', dynType]]))
  } catch (error) {
    throw new Error(`expression ${JSON.stringify(source)}: ${(error as Error).message}`)
  }
}
