import type { Kind } from '@skiff/api'
import { patchSchemaOf } from '@skiff/api'
import type { Call } from '@skiff/client'
import { invalid, type Json, type KubeObject, parseOwnJson, Refusal, unsupportedMediaType, withVersion } from '@skiff/machinery'
import { applyPatch, checkFieldManager } from './apply-patch.ts'
import { type FieldValidation, mediaTypeOf } from './body.ts'
import { isLong, type Request, type Rest, turn } from './context.ts'
import { jsonPatcher } from './json-patch.ts'
import { mergePatcher, strategicPatcher } from './merge-patch.ts'
import { writeOptions } from './options.ts'
import { decodePatched, objectOfPatch, undeterminable } from './patched.ts'
import { lazily, type Patched, type Patcher, readPatch } from './patcher.ts'
import { type Written, writeOver } from './update.ts'

const json = 'application/json-patch+json'
const merge = 'application/merge-patch+json'
const strategic = 'application/strategic-merge-patch+json'
const applyYaml = 'application/apply-patch+yaml'
const applyCbor = 'application/apply-patch+cbor'
const applyTypes = [applyYaml, applyCbor]

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
  if (isApply(call)) {
    checkFieldManager(options.fieldManager)
    return applyPatch(rest, moved, options)
  }
  const patcher = patcherOf(kind, call, type, options.validation)
  const make = isLong(call) ? patchedInSteps : patched
  return writeOver(rest, moved, async (current) => make(kind, call, current as KubeObject, patcher, options.validation, warnings), false)
}

/** Whether a patch is a configuration to apply. */
export const isApply = (call: Call): boolean => {
  const type = patchTypeOf(call)
  return type === applyYaml || (type === applyCbor && call.cbor === true)
}

/** Upstream compares the media types of patches letter by letter. */
const patchTypeOf = (call: Call): string => {
  const given = call.body && 'contentType' in call.body ? call.body.contentType : undefined
  const type = mediaTypeOf(given)
  return given?.startsWith(type) === false && given.toLowerCase().startsWith(type) ? given : type
}

/** A call's patch, by its media type. `strategic` gives the patch itself where it is one, for texts. */
export interface KindPatcher {
  readonly apply: Patcher
  readonly strategic?: () => Json
}

/** The patcher of a call's body, by its media type. */
export const patcherFor = (kind: Kind, call: Call, validation: FieldValidation, custom = kind.custom): KindPatcher =>
  patcherOf(kind, call, patchTypeOf(call), validation, custom)

/** The object that a patch makes of another. */
export const patched = (
  kind: Kind,
  call: Call,
  current: KubeObject,
  patcher: KindPatcher,
  validation: FieldValidation,
  warnings: string[],
): KubeObject => readPatched(kind, call, applied(kind, current, patcher), patcher, validation, warnings)

/** patched of a long patch, with a turn for others before what it made is read. */
const patchedInSteps = async (
  kind: Kind,
  call: Call,
  current: KubeObject,
  patcher: KindPatcher,
  validation: FieldValidation,
  warnings: string[],
): Promise<KubeObject> => {
  const result = applied(kind, current, patcher)
  await turn()
  return readPatched(kind, call, result, patcher, validation, warnings)
}

/** What a patch made of an object's JSON, and that JSON. */
interface AppliedPatch {
  readonly wire: Readonly<Record<string, unknown>>
  readonly result: Patched
}

const applied = (kind: Kind, current: KubeObject, patcher: KindPatcher): AppliedPatch => {
  const wire = wireOf(kind, current)
  return { wire, result: patcher.apply(wire) }
}

const readPatched = (
  kind: Kind,
  call: Call,
  { wire, result }: AppliedPatch,
  patcher: KindPatcher,
  validation: FieldValidation,
  warnings: string[],
): KubeObject => {
  const { value } = result
  // Upstream reads an object without an apiVersion by the names of its Go fields: nothing of its metadata is found.
  if (!patcher.strategic && !kind.custom && typeof value === 'object' && value !== null && !Array.isArray(value))
    if (!(value as { apiVersion?: unknown }).apiVersion) throw undeterminable(call.name)
  return objectOfPatch({ kind, call }, decodePatched(kind, result, validation, warnings, patcher.strategic?.(), wire))
}

/** The JSON that a patch is applied to: what a client would have read. */
const wireOf = (kind: Kind, object: KubeObject): Readonly<Record<string, unknown>> => {
  const bytes = withVersion(kind.codec.encode(object), object.metadata.resourceVersion || undefined)
  return parseOwnJson(bytes.toString()) as Readonly<Record<string, unknown>>
}

const patcherOf = (kind: Kind, call: Call, type: string, validation: FieldValidation, custom = kind.custom): KindPatcher => {
  const validated = validation !== 'Ignore'
  switch (type) {
    case json:
      return { apply: lazily(() => jsonPatcher(readPatch(call, validated ? 'error decoding patch: ' : ''), validated)) }
    case merge:
      return { apply: lazily(() => mergePatcher(readPatch(call, 'error decoding patch: '), validated)) }
    case strategic:
      if (!custom)
        return {
          apply: lazily(() => strategicPatcher(readPatch(call, ''), patchSchemaOf(kind))),
          strategic: () => readPatch(call, '').value,
        }
      throw unsupportedPatch(customTypes(call))
    default:
      throw unsupportedPatch(custom ? customTypes(call) : undefined)
  }
}

/** Custom kinds have no strategic merge. */
const customTypes = ({ cbor }: Call): readonly string[] => [json, merge, applyYaml, ...(cbor ? [applyCbor] : [])]

/** Of the built-in kinds' patches upstream's router refuses the media type before anybody knows what would be taken. */
const unsupportedPatch = (accepted: readonly string[] | undefined): Refusal =>
  accepted
    ? unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)
    : new Refusal(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {})
