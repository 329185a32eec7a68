import { encodeSortedJson, type Json, type JsonObject, parseJsonText } from '@skiff/machinery'
import { textAt, withAt } from './fields.ts'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
const path = ['metadata', 'annotations', annotation]

/** The object that was applied last, as the annotation keeps it; undefined where none was. */
export const lastApplied = (object: JsonObject): JsonObject | undefined => {
  const text = textAt(object, path)
  return text === '' ? undefined : (parseJsonText(text).value as JsonObject)
}

/** The object with its own text, that annotation apart, in the annotation. The text ends with a newline, as kubectl's does. */
export const withLastApplied = (object: JsonObject): JsonObject => {
  const annotations = (object.metadata as JsonObject | undefined)?.annotations as JsonObject | undefined
  const bare = withAt(withAt(object, ['metadata', 'annotations'], annotations ?? {}), path, undefined)
  return withAt(bare, path, `${encodeSortedJson(bare)}\n` as Json)
}

export const hasLastApplied = (object: JsonObject): boolean => textAt(object, path) !== ''
