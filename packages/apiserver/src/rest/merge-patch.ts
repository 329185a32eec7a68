import {
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  goKindOf,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  type PatchSchema,
  Refusal,
} from '@skiff/machinery'
import type { Patcher, PatchText } from './patcher.ts'

const noMap = (value: Json): string => `json: cannot unmarshal ${goKindOf(value)} into Go value of type map[string]interface {}`

/** RFC 7386. Field validation wants an object; without it a list is taken for the new object, which then is none. */
export const mergePatcher = ({ value, duplicates }: PatchText, validated: boolean): Patcher => {
  if (validated && value !== null && !isJsonObject(value)) throw badRequest(`error decoding patch: ${noMap(value)}`)
  if (value === null || (!isJsonObject(value) && !isJsonArray(value))) throw badRequest('Invalid JSON Patch')
  return (current) => ({ value: isJsonArray(value) ? value : applyMergePatch(current as Json, value), faults: duplicates })
}

/** A strategic merge; null changes nothing. */
export const strategicPatcher = ({ value, duplicates }: PatchText, schema: PatchSchema): Patcher => {
  if (value !== null && !isJsonObject(value)) throw badRequest(noMap(value))
  return (current) => {
    try {
      return { value: applyStrategicMergePatch(current as JsonObject, value ?? {}, schema), faults: duplicates }
    } catch (error) {
      throw strategicRefusal((error as Error).message)
    }
  }
}

/** What upstream knows as the caller's fault: malformed directives, and patches that do not fit. All else is an error of the server's. */
const malformed = /^(invalid JSON document|invalid patch format of .*|strategic merge patch format is not supported)$/
const unfit = /^(lists of lists are not supported|patch content doesn't match retainKeys list)$/

const strategicRefusal = (text: string): Refusal => {
  if (malformed.test(text)) return badRequest(text)
  if (unfit.test(text)) return new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
  return new Refusal(500, '', text)
}
