import type { Kind } from '@skiff/api'
import { patchSchemaOf } from '@skiff/api'
import type { Call } from '@skiff/client'
import {
  applyMergePatch,
  applyStrategicMergePatch,
  badRequest,
  type FieldError,
  invalid,
  invalidValue,
  type Json,
  type JsonObject,
  type KubeObject,
  loadYaml,
  parseJson,
  Refusal,
  unsupportedMediaType,
} from '@skiff/machinery'
import { decodeRaw, type FieldValidation, mediaTypeOf, type RawBody } from './body.ts'
import type { Request, Rest } from './context.ts'
import { inNamespace } from './create.ts'
import { applyJsonPatchBody, type Patcher } from './json-patch.ts'
import { writeOptions } from './options.ts'
import { type Written, writeOver } from './update.ts'

const json = 'application/json-patch+json'
const merge = 'application/merge-patch+json'
const strategic = 'application/strategic-merge-patch+json'
export const applyTypes = ['application/apply-patch+yaml', 'application/apply-patch+cbor']

/** PATCH of an object or of a subresource with the object's shape. */
export const patch = async (rest: Rest, request: Request): Promise<Written> => {
  const { call, kind, warnings } = request
  const options = writeOptions(call, 'PatchOptions')
  const type = patchTypeOf(call)
  if (options.force !== undefined && !applyTypes.includes(type))
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { reason: 'FieldValueForbidden', field: 'force', body: 'Forbidden: may not be specified for non-apply patch' },
    ])
  const patcher = patcherOf(kind, call, type)
  const moved = { ...request, dryRun: options.dryRun }
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
  const result = patcher(wireOf(kind, current)) as Readonly<Record<string, unknown>>
  const decoded = decodePatched(kind, { value: result, duplicates: [] }, validation, warnings)
  const object = inNamespace(kind, decoded, call.namespace)
  const errors: FieldError[] = []
  if ((object.metadata.name ?? '') !== current.metadata.name)
    errors.push(invalidValue('metadata.name', object.metadata.name ?? '', 'field is immutable'))
  if (errors.length > 0 && !call.name) throw invalid(kind, current.metadata.name, errors)
  if (object.metadata.name !== call.name)
    throw badRequest(`the name of the object (${object.metadata.name ?? ''}) does not match the name on the URL (${call.name})`)
  return object
}

/** The JSON that a patch is applied to: what a client would have read. */
const wireOf = (kind: Kind, object: KubeObject): Readonly<Record<string, unknown>> => {
  const { text } = kind.codec.encode(object)
  const wire = JSON.parse(text) as { metadata: Record<string, unknown> }
  wire.metadata.resourceVersion = object.metadata.resourceVersion
  return wire as unknown as Readonly<Record<string, unknown>>
}

/** What the patch made, read like any body; what is wrong with it is the patch's fault. */
const decodePatched = (kind: Kind, raw: RawBody, validation: FieldValidation, warnings: string[]): KubeObject => {
  try {
    return decodeRaw(kind, raw, validation, warnings)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 400) throw error
    const text = error.message.replace(/^.* cannot be handled as a [^:]*: /, '')
    throw invalid(kind, '', [invalidValue('patch', compact(raw.value), text)])
  }
}
const compact = (value: unknown): string => JSON.stringify(value)

const bytesOf = (call: Call): Uint8Array | undefined => (call.body && 'bytes' in call.body ? call.body.bytes : undefined)

const plainValue = (call: Call): unknown => {
  const { body } = call
  if (body && 'object' in body) return body.object
  try {
    return parseJson(bytesOf(call) ?? Buffer.alloc(0)).value
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
        `the body of the request was in an unknown format - accepted media types include: ${json}, ${merge}, ${strategic}, ${applyTypes[0]}`,
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
    throw badRequest((error as Error).message)
  }
}
export const applyBody = (call: Call): unknown => {
  const { body } = call
  if (body && 'object' in body) return body.object
  return loadYaml(Buffer.from(bytesOf(call) ?? Buffer.alloc(0)).toString()).value
}
