import { applyJsonPatch, applyMergePatch, applyStrategicMergePatch, type JsonObject, parseJsonText } from '@skiff/machinery'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { patchSchemaFor } from './patch-schema.ts'

/** A generated object with the patch of --overrides on it, read as --override-type says. */
export const overridden = ({ flags }: Invocation, object: JsonObject, plural: 'pods' | 'services'): JsonObject => {
  const text = flags.text('overrides')
  if (!text) return object
  let patch: JsonObject
  try {
    patch = parseJsonText(text).value as JsonObject
  } catch {
    throw new UsageError('Invalid JSON Patch')
  }
  const type = flags.text('override-type') ?? 'merge'
  if (type === 'json') return applyJsonPatch(object, patch as unknown as readonly JsonObject[]) as JsonObject
  const schema = patchSchemaFor({ group: '', version: 'v1', plural })
  return (type === 'strategic' && schema ? applyStrategicMergePatch(object, patch, schema) : applyMergePatch(object, patch)) as JsonObject
}
