import type { Call } from '@skiff/client'
import { badRequest, type Json, parseJson } from '@skiff/machinery'
import { mostNested } from './body.ts'

/** A patch's body, read. */
export interface PatchText {
  readonly value: Json
  /** `duplicate field "a"`. */
  readonly duplicates: readonly string[]
}

export interface Patched {
  /** Plain JSON, not yet read as an object of its kind. */
  readonly value: unknown
  /** What field validation finds in the patch itself. */
  readonly faults: readonly string[]
}

/** Makes the patched form of an object's plain JSON; throws a Refusal. */
export type Patcher = (current: Readonly<Record<string, unknown>>) => Patched

/** Reads a call's body as JSON; what is wrong with it is told after `prefix`. */
export const readPatch = ({ body }: Call, prefix: string): PatchText => {
  if (body && 'object' in body) return { value: body.object as Json, duplicates: [] }
  try {
    const { value, duplicates } = parseJson(body && 'bytes' in body ? body.bytes : Buffer.alloc(0), mostNested)
    return { value: value as Json, duplicates }
  } catch (error) {
    throw badRequest(`${prefix}${(error as Error).message}`)
  }
}

/** A patcher that reads its patch when it is first applied, as upstream does: the object that it wants must be there before. */
export const lazily = (make: () => Patcher): Patcher => {
  let made: Patcher | undefined
  return (current) => {
    made ??= make()
    return made(current)
  }
}
