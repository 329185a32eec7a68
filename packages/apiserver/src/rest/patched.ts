import type { Kind } from '@skiff/api'
import { badRequest, invalid, invalidValue, type KubeObject, Refusal } from '@skiff/machinery'
import { decodeRaw, type FieldValidation } from './body.ts'
import type { Request } from './context.ts'

/** What a patch made, read like any body; what is wrong with it is the patch's fault. */
export const decodePatched = (
  kind: Kind,
  value: Readonly<Record<string, unknown>>,
  validation: FieldValidation,
  warnings: string[],
): KubeObject => {
  try {
    return decodeRaw(kind, { value, duplicates: [] }, validation, warnings)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 400) throw error
    const text = error.message.replace(/^.* cannot be handled as a [^:]*: /, '')
    throw invalid({ group: '', kind: '' }, '', [invalidValue('patch', JSON.stringify(value), text)])
  }
}

/** The patched object where the URL says it is; refuses one that was renamed or moved. */
export const objectOfPatch = ({ kind, call }: Pick<Request, 'kind' | 'call'>, object: KubeObject): KubeObject => {
  const name = object.metadata.name ?? ''
  if (name === '') throw badRequest(`the name of the object (${call.name ?? ''} based on URL) was undeterminable: name must be provided`)
  if (name !== call.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`)
  const namespace = object.metadata.namespace ?? ''
  if (kind.namespaced && namespace !== '' && namespace !== call.namespace)
    throw badRequest(`the namespace of the object (${namespace}) does not match the namespace on the request (${call.namespace})`)
  const { namespace: _, ...metadata } = object.metadata
  return { ...object, metadata: kind.namespaced ? { ...object.metadata, namespace: call.namespace ?? '' } : metadata }
}
