import {
  applyJsonPatch,
  badRequest,
  decodeJsonPatch,
  goKindOf,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  maxJsonPatchOperations,
  Refusal,
  tooLarge,
} from '@skiff/machinery'
import { mostNested } from './body.ts'
import type { Patcher, PatchText } from './patcher.ts'

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

const fields = ['op', 'path', 'from']

/** Upstream reads a patch that is validated into a struct first: what does not fit in there is refused before anything is applied. */
const checkOperations = (document: Json): readonly string[] => {
  const refuse = (text: string) => badRequest(`error decoding patch: json: cannot unmarshal ${text}`)
  if (document === null) return []
  if (!isJsonArray(document)) throw refuse(`${goKindOf(document)} into Go value of type []handlers.jsonPatchOp`)
  const unknown: string[] = []
  for (const [index, operation] of document.entries()) {
    if (operation === null) continue
    if (!isJsonObject(operation)) throw refuse(`${goKindOf(operation)} into Go value of type handlers.jsonPatchOp`)
    for (const name of Object.keys(operation)) {
      const value = operation[name] as Json
      if (fields.includes(name)) {
        if (value !== null && typeof value !== 'string')
          throw refuse(`${goKindOf(value)} into Go struct field jsonPatchOp.${name} of type string`)
      } else if (name !== 'value') unknown.push(`json patch unknown field "[${index}].${name}"`)
    }
  }
  return unknown
}

const decoded = (document: Json): readonly JsonObject[] => {
  try {
    return decodeJsonPatch(document)
  } catch (error) {
    throw badRequest((error as Error).message)
  }
}

/** RFC 6902 over an object's JSON, with upstream's limits and answers: 400 for what is no patch, 422 for one that does not apply. */
export const jsonPatcher = ({ value, duplicates }: PatchText, validated: boolean): Patcher => {
  const faults = validated ? [...duplicates.map((each) => `json patch ${each}`), ...checkOperations(value)] : []
  const operations = decoded(value)
  if (operations.length > maxJsonPatchOperations)
    throw tooLarge(
      `Request entity too large: The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${operations.length}`,
    )
  return (current) => {
    try {
      const patched = applyJsonPatch(current as Json, operations)
      if (!nestsWithin(patched, mostNested)) throw new Error('exceeded max depth')
      return { value: patched, faults }
    } catch {
      throw new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
    }
  }
}
