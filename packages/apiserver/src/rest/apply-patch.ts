import type { Call } from '@skiff/client'
import { badRequest, conflict, invalid, isJsonObject, type Json, type KubeObject, loadYaml, required } from '@skiff/machinery'
import { applyOver, withApplied } from '../managed-fields/apply.ts'
import { type FieldValidation, mostNested } from './body.ts'
import { namedOf, type Request, type Rest } from './context.ts'
import { decodePatched, objectOfPatch } from './patched.ts'
import { type Written, writeOver } from './update.ts'

interface ApplyOptions {
  readonly validation: FieldValidation
  readonly force: boolean | undefined
}

/** PATCH with a whole configuration: server-side apply. Makes the object where there is none. */
export const applyPatch = (rest: Rest, request: Request, options: ApplyOptions): Promise<Written> => {
  const configuration = configurationOf(request, options.validation)
  const change = async (live: KubeObject | undefined): Promise<KubeObject> => {
    if (!live) checkNew(request, configuration)
    const applied = applyOver(rest, request, live, configuration, options.force === true)
    const object = decodePatched(request.kind, applied.value, 'Ignore', request.warnings)
    return withApplied(objectOfPatch(request, object), applied)
  }
  return writeOver(rest, { ...request, tracked: true }, change, false, true)
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
const configurationOf = ({ call, warnings }: Request, validation: FieldValidation): Json => {
  const { value, duplicates } = readBody(call)
  if (!isJsonObject(value))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`,
    )
  if (duplicates.length > 0) {
    if (validation === 'Strict') throw badRequest(`error strict decoding YAML: ${duplicates.join(', ')}`)
    if (validation === 'Warn') warnings.push(...duplicates)
  }
  return value
}

const readBody = (call: Call): { readonly value: unknown; readonly duplicates: readonly string[] } => {
  const { body } = call
  if (body && 'object' in body) return { value: body.object, duplicates: [] }
  try {
    return loadYaml(Buffer.from(body && 'bytes' in body ? body.bytes : Buffer.alloc(0)).toString(), mostNested)
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`)
  }
}
