import {
  applyJsonPatch,
  badRequest,
  decodeJsonPatch,
  type Json,
  type JsonObject,
  maxJsonPatchOperations,
  Refusal,
  tooLarge,
} from '@skiff/machinery'

/** Makes the patched form of an object's plain JSON; reads its patch once however often it is applied. */
export type Patcher = (current: Readonly<Record<string, unknown>>) => unknown

const decoded = (value: unknown): readonly JsonObject[] => {
  try {
    return decodeJsonPatch(value as Json)
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`)
  }
}

/** RFC 6902 over an object's JSON, with upstream's limits and answers: 400 for what is no patch, 422 for one that does not apply. */
export const applyJsonPatchBody = (value: unknown): Patcher => {
  const operations = decoded(value)
  if (operations.length > maxJsonPatchOperations)
    throw tooLarge(
      `Request entity too large: The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${operations.length}`,
    )
  return (current) => {
    try {
      return applyJsonPatch(current as Json, operations)
    } catch {
      throw new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request')
    }
  }
}
