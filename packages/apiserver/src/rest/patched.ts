import type { Kind } from '@skiff/api'
import { badRequest, encodeJson, goText, invalid, invalidValue, type Json, type KubeObject, Refusal } from '@skiff/machinery'
import { decodeRaw, type FieldValidation } from './body.ts'
import type { Request } from './context.ts'
import type { Patched } from './patcher.ts'

const why = (error: Refusal): string => error.message.replace(/^.* cannot be handled as a [^:]*: /s, '')

const refusedPatch = (shown: string, text: string): Refusal => invalid({ group: '', kind: '' }, '', [invalidValue('patch', shown, text)])

/** What a patch made, read like any body; what is wrong with it is the patch's fault. */
export const decodePatched = (
  kind: Kind,
  { value, faults }: Patched,
  validation: FieldValidation,
  warnings: string[],
  strategic?: Json,
  before?: unknown,
): KubeObject => {
  const given = strategic === undefined ? value : { ...(value as object), apiVersion: kind.apiVersion, kind: kind.kind }
  try {
    return decodeRaw(kind, { value: given, duplicates: faults, patched: true }, validation, warnings)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 400) throw error
    if (strategic === undefined) throw refusedPatch(textOf(value, before), why(error))
    // Not the patch but the kind's own conversion does not get on with it.
    if (why(error).startsWith('strconv.')) throw new Refusal(500, '', why(error))
    throw refusedPatch(goText(strategic), converterText(why(error)))
  }
}

/** The patched JSON as upstream's patch library writes it: names are sorted in each object that the patch went through. */
const textOf = (value: unknown, before: unknown): string => {
  if (before === undefined || value === before) return encodeJson(value as Json)
  if (Array.isArray(value) && Array.isArray(before)) return `[${value.map((each, index) => textOf(each, before[index])).join()}]`
  if (!isRecord(value) || !isRecord(before)) return encodeJson(value as Json)
  const parts = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .sort()
    .map((name) => `${encodeJson(name)}:${textOf(value[name], Object.hasOwn(before, name) ? before[name] : undefined)}`)
  return `{${parts.join()}}`
}
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const shapeOfKind: Readonly<Record<string, string>> = { object: 'map', array: 'slice', string: 'string', number: 'int64', bool: 'bool' }

/** A fraction where a whole number belongs, in the words of upstream's converter; undefined for any other text. */
export const fractionText = (text: string): string | undefined => {
  const parts = /^json: cannot unmarshal number \S*[.eE]\S* into Go (?:struct field \S+|value) of type \*?(u?int\d*)$/.exec(text)
  return parts ? `cannot convert float64 to ${parts[1]}` : undefined
}

/** A wrong type in the words of upstream's converter of maps, which reads what a strategic merge made, from those of its JSON decoder. */
const converterText = (text: string): string => {
  const fraction = fractionText(text)
  if (fraction) return fraction
  const parts = /^json: cannot unmarshal (\w+) into Go (?:struct field \S+|value) of type (\S+)$/.exec(text)
  if (!parts) return text.startsWith('illegal base64 data') ? `error decoding from json: ${text}` : text
  const from = shapeOfKind[parts[1] as string] ?? (parts[1] as string)
  const to = (parts[2] as string).replace(/^\*/, '')
  if (to.startsWith('[]')) return `cannot restore slice from ${from}`
  if (to.startsWith('map[')) return `cannot restore map from ${from}`
  const scalar = /^(string|bool|u?int\d*|float\d*)$/.exec(to)
  if (!scalar && !/^v\d\w*\./.test(to)) return text
  if (!scalar && from === 'map') return 'unrecognized type: string'
  if (!scalar) return from === 'int64' ? `cannot convert int64 to ${to}` : `cannot restore struct from: ${from}`
  if (from === 'int64' && to === 'string') return 'cannot convert int64 to string'
  return `unrecognized type: ${to}`
}

/** The patched object where the URL says it is; refuses one that was renamed or moved. */
export const objectOfPatch = ({ kind, call }: Pick<Request, 'kind' | 'call'>, object: KubeObject): KubeObject => {
  const name = object.metadata.name ?? ''
  if (name === '') throw undeterminable(call.name)
  if (name !== call.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`)
  const namespace = object.metadata.namespace ?? ''
  if (kind.namespaced && namespace !== '' && namespace !== call.namespace)
    throw badRequest(`the namespace of the object (${namespace}) does not match the namespace on the request (${call.namespace})`)
  const { namespace: _, ...metadata } = object.metadata
  return { ...object, metadata: kind.namespaced ? { ...object.metadata, namespace: call.namespace ?? '' } : metadata }
}

/** The refusal of an object without a name. */
export const undeterminable = (urlName: string | undefined): Refusal =>
  badRequest(`the name of the object (${urlName ?? ''} based on URL) was undeterminable: name must be provided`)
