import type { Call } from '@skiff/client'
import {
  badRequest,
  conflict,
  decodeCbor,
  goKindOf,
  invalid,
  isJsonObject,
  type Json,
  type KubeObject,
  loadYaml,
  Refusal,
  required,
} from '@skiff/machinery'
import { type AppliedObject, applyOver, gvkText, nameOfConfiguration, withApplied } from '../managed-fields/apply.ts'
import { writeInSteps } from '../managed-fields/track.ts'
import { converting } from '../registry/converting.ts'
import { type FieldValidation, mediaTypeOf, mostNested } from './body.ts'
import { betweenSteps, isLong, namedOf, type Request, type Rest, turn } from './context.ts'
import { decodePatched, fractionText, objectOfPatch } from './patched.ts'
import { type Written, writeOver } from './update.ts'

interface ApplyOptions {
  readonly validation: FieldValidation
  readonly force: boolean | undefined
}

/** PATCH with a whole configuration: server-side apply. Makes the object where there is none. */
export const applyPatch = async (rest: Rest, request: Request, options: ApplyOptions): Promise<Written> => {
  const configuration = configurationOf(request, options.validation)
  const pause = betweenSteps(request.call)
  if (pause) await pause
  const change = async (live: KubeObject | undefined): Promise<KubeObject> => {
    if (!live) checkNew(request, configuration)
    return merged(rest, request, live, configuration, options)
  }
  return writeOver(rest, { ...request, tracked: true }, change, false, true)
}

/** The live object with a configuration applied to it, and who holds what of it. */
export const merged = async (
  rest: Rest,
  request: Request,
  live: KubeObject | undefined,
  configuration: Json,
  { force }: Pick<ApplyOptions, 'force'>,
): Promise<KubeObject> => {
  const applied = await converting(() => applyOver(rest, request, live, configuration, force === true))
  if (!isLong(request.call)) return withApplied(objectOfPatch(request, objectOf(request, applied.value, configuration)), applied)
  await writeInSteps(applied.managed, turn)
  const object = objectOfPatch(request, objectOf(request, applied.value, configuration))
  await turn()
  return withApplied(object, applied)
}

/** The merged value as an object; what does not fit its kind is upstream's own error, since types were checked before. */
const objectOf = ({ kind, warnings }: Request, value: AppliedObject['value'], configuration: Json): KubeObject => {
  try {
    return decodePatched(kind, { value, faults: [] }, 'Ignore', warnings)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 422) throw error
    const told = error.message.slice(error.message.indexOf('}": ') + 4)
    const why = fractionText(told) ?? told.replace(/Go struct field \S+ of type/, 'Go value of type')
    const gvk = gvkText(kind.apiVersion, kind.kind)
    throw new Refusal(
      500,
      '',
      `failed to convert new object (${nameOfConfiguration(configuration)}) to proper version: unable to convert unstructured object to ${gvk}: ${why}`,
    )
  }
}

/** Upstream's check of the options of an apply. */
export const checkFieldManager = (fieldManager: string): void => {
  if (fieldManager === '')
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [required('fieldManager', 'is required for apply patch')])
}

const checkNew = ({ kind, call }: Request, configuration: Json): void => {
  const metadata = isJsonObject(configuration) && isJsonObject(configuration.metadata) ? configuration.metadata : {}
  if (metadata.uid)
    throw conflict(
      namedOf(kind),
      call.name ?? '',
      `uid mismatch: the provided object specified uid ${String(metadata.uid)}, and no existing object was found`,
    )
}

/** The configuration in a body, which is YAML or JSON. */
export const configurationOf = ({ call, warnings }: Request, validation: FieldValidation): Json => {
  const { value, duplicates } = readBody(call)
  if (value === null) return {}
  if (!isJsonObject(value))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goKindOf(value)} into Go value of type map[string]interface {}`,
    )
  if (duplicates.length > 0) {
    if (validation === 'Strict') throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates.join(', ')}`)
    if (validation === 'Warn') for (const each of duplicates) warnings.push(`error converting YAML to JSON: ${each}`)
  }
  return value
}

const readBody = (call: Call): { readonly value: Json; readonly duplicates: readonly string[] } => {
  const { body } = call
  if (body && 'object' in body) return { value: body.object as Json, duplicates: [] }
  if (body && 'bytes' in body && mediaTypeOf(body.contentType) === 'application/apply-patch+cbor') return readCbor(body.bytes)
  try {
    return loadYaml(Buffer.from(body && 'bytes' in body ? body.bytes : Buffer.alloc(0)).toString(), mostNested)
  } catch (error) {
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${(error as Error).message}`)
  }
}

const readCbor = (bytes: Uint8Array): { readonly value: Json; readonly duplicates: readonly string[] } => {
  try {
    return { value: decodeCbor(bytes), duplicates: [] }
  } catch (error) {
    throw badRequest(`error decoding CBOR: ${(error as Error).message}`)
  }
}
