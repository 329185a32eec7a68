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

import { mostNested } from './body.ts'

/** Makes the patched form of an object's plain JSON; reads its patch once however often it is applied. */
export type Patcher = (current: Readonly<Record<string, unknown>>) => unknown

/** Copies and paths can build what no body could say. Does not call itself, since that is what is guarded against. */
const nestsWithin = (value: unknown, depth: number): boolean => {
  let level = [value]
  for (let at = 0; at <= depth; at++) {
    const next: unknown[] = []
    for (const each of level) if (typeof each === 'object' && each !== null) for (const inner of Object.values(each)) next.push(inner)
    if (next.length === 0) return true
    level = next
  }
  return false
}

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
      const patched = applyJsonPatch(current as Json, operations)
      if (!nestsWithin(patched, mostNested)) throw new Error('exceeded max depth')
      return patched
    } catch {
      throw new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request')
    }
  }
}
