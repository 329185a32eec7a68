import { badRequest, Refusal, tooLarge } from '@skiff/machinery'
import { applyJsonPatch } from './pending.ts'

/** Makes the patched form of an object's plain JSON; reads its patch once however often it is applied. */
export type Patcher = (current: Readonly<Record<string, unknown>>) => unknown

const maxOperations = 10_000

/** RFC 6902 over an object's JSON, with upstream's limits and answers: 400 for what is no patch, 422 for one that does not apply. */
export const applyJsonPatchBody = (value: unknown): Patcher => {
  if (!Array.isArray(value))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${value === null ? 'null' : typeof value} into Go value of type jsonpatch.Patch`,
    )
  if (value.length > maxOperations)
    throw tooLarge(`Request entity too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${value.length}`)
  return (current) => {
    try {
      return applyJsonPatch(current, value)
    } catch (error) {
      if (error instanceof Refusal) throw error
      throw new Refusal(422, 'Invalid', `the server rejected our request due to an error in our request: ${(error as Error).message}`)
    }
  }
}
