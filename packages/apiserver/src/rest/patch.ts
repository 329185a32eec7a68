import type { Kind } from '@skiff/api'
import { patchSchemaOf } from '@skiff/api'
import type { Call } from '@skiff/client'
import {
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  invalid,
  type Json,
  type JsonObject,
  type KubeObject,
  parseJson,
  parseOwnJson,
  Refusal,
  unsupportedMediaType,
} from '@skiff/machinery'
import { applyPatch, checkFieldManager } from './apply-patch.ts'
import { type FieldValidation, mediaTypeOf, mostNested } from './body.ts'
import type { Request, Rest } from './context.ts'
import { applyJsonPatchBody, type Patcher } from './json-patch.ts'
import { writeOptions } from './options.ts'
import { decodePatched, objectOfPatch } from './patched.ts'
import { type Written, writeOver } from './update.ts'

const json = 'application/json-patch+json'
const merge = 'application/merge-patch+json'
const strategic = 'application/strategic-merge-patch+json'
const applyYaml = 'application/apply-patch+yaml'
const applyTypes = [applyYaml, 'application/apply-patch+cbor']

/** PATCH of an object or of a subresource with the object's shape. */
export const patch = async (rest: Rest, request: Request): Promise<Written> => {
  const { call, kind, warnings } = request
  const options = writeOptions(call, 'PatchOptions')
  const type = patchTypeOf(call)
  if (options.force !== undefined && !applyTypes.includes(type))
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { reason: 'FieldValueForbidden', field: 'force', body: 'Forbidden: may not be specified for non-apply patch' },
    ])
  const moved = { ...request, dryRun: options.dryRun, fieldManager: options.fieldManager }
  if (type === applyYaml) {
    checkFieldManager(options.fieldManager)
    return applyPatch(rest, moved, options)
  }
  const patcher = patcherOf(kind, call, type)
  return writeOver(rest, moved, async (current) => patched(kind, call, current as KubeObject, patcher, options.validation, warnings), false)
}

const patchTypeOf = (call: Call): string => mediaTypeOf(call.body && 'contentType' in call.body ? call.body.contentType : undefined)

/** The patcher of a call's body, by its media type. */
export const patcherFor = (kind: Kind, call: Call): Patcher => patcherOf(kind, call, patchTypeOf(call))

export const patched = (
  kind: Kind,
  call: Call,
  current: KubeObject,
  patcher: Patcher,
  validation: FieldValidation,
  warnings: string[],
): KubeObject => {
  const value = patcher(wireOf(kind, current)) as Readonly<Record<string, unknown>>
  return objectOfPatch({ kind, call }, decodePatched(kind, value, validation, warnings))
}

/** The JSON that a patch is applied to: what a client would have read. */
const wireOf = (kind: Kind, object: KubeObject): Readonly<Record<string, unknown>> => {
  const { text } = kind.codec.encode(object)
  const wire = parseOwnJson(text) as { metadata: Record<string, unknown> }
  wire.metadata.resourceVersion = object.metadata.resourceVersion
  return wire as unknown as Readonly<Record<string, unknown>>
}

const bytesOf = (call: Call): Uint8Array | undefined => (call.body && 'bytes' in call.body ? call.body.bytes : undefined)

const plainValue = (call: Call): unknown => {
  const { body } = call
  if (body && 'object' in body) return body.object
  try {
    return parseJson(bytesOf(call) ?? Buffer.alloc(0), mostNested).value
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`)
  }
}

const patcherOf = (kind: Kind, call: Call, type: string): Patcher => {
  switch (type) {
    case json:
      return applyJsonPatchBody(plainValue(call))
    case merge: {
      const value = objectPatch(call)
      return (current) => applyMergePatch(current as Json, value as Json)
    }
    case strategic: {
      if (kind.custom)
        throw unsupportedMediaType(
          'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        )
      const value = objectPatch(call)
      const schema = patchSchemaOf(kind)
      return (current) => refusing(() => applyStrategicMergePatch(current as JsonObject, value as JsonObject, schema))
    }
    default:
      throw unsupportedMediaType(
        kind.custom
          ? `the body of the request was in an unknown format - accepted media types include: ${json}, ${merge}, ${applyYaml}`
          : '415: Unsupported Media Type',
      )
  }
}

const objectPatch = (call: Call): Readonly<Record<string, unknown>> => {
  const value = plainValue(call)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`,
    )
  return value as Readonly<Record<string, unknown>>
}

const refusing = <T>(act: () => T): T => {
  try {
    return act()
  } catch (error) {
    const text = (error as Error).message
    // Upstream knows these two as no fault of the caller.
    if (/does not contain declared merge key|^unknown patch type/.test(text)) throw new Refusal(500, '', text)
    throw badRequest(text)
  }
}
