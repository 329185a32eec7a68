import { decodeProtobuf, type Kind, typeNameOfKind } from '@skiff/api'
import type { Body } from '@skiff/client'
import {
  badRequest,
  DecodeError,
  decodeCbor,
  encodeJson,
  goKindOf,
  internalError,
  invalid,
  invalidValue,
  type Json,
  type KubeObject,
  loadYaml,
  parseJson,
  type Refusal,
  splitApiVersion,
  unsupportedMediaType,
} from '@skiff/machinery'

import { mediaTypeNames } from '../represent/accept.ts'

export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** Plain JSON values of a request's body, before any kind looks at it. */
export interface RawBody {
  readonly value: unknown
  /** `duplicate field "a"`, which strict validation refuses. */
  readonly duplicates: readonly string[]
  /** The beginning of the body as refusals show it. */
  readonly summary?: string
  /** The whole body of an object without a kind, where a kind has to be said. */
  readonly whole?: string
  /** What a patch made, which nobody sent. */
  readonly patched?: boolean
  /** Read from bytes. */
  readonly sent?: boolean
}

/**
 * How deep a body may nest. Upstream stops at 10,000; every function that walks an object calls itself for what is within, and must end
 * before the stack does.
 */
export const mostNested = 500

const protobuf = 'application/vnd.kubernetes.protobuf'
const unknownFormat = (cbor: boolean): Refusal =>
  unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${mediaTypeNames(cbor)}`)

/** The media type without parameters; JSON where none is given. */
export const mediaTypeOf = (contentType: string | undefined): string => {
  if (!contentType) return 'application/json'
  const end = contentType.indexOf(';')
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
}

/** Parses JSON, YAML or protobuf, the latter as `kind` where it names none; throws an Error with Go's text, or refuses the media type. */
export const parseBody = (
  body: Exclude<Body, { stream: unknown }>,
  kind?: { readonly apiVersion: string; readonly kind: string },
): RawBody => {
  if ('object' in body) return { value: body.object, duplicates: [] }
  switch (mediaTypeOf(body.contentType)) {
    case 'application/json':
      return parseJson(body.bytes, mostNested)
    case 'application/yaml':
      return loadYaml(Buffer.from(body.bytes).toString(), mostNested)
    case protobuf:
      return { value: decodeProtobuf(body.bytes, kind), duplicates: [] }
    case 'application/cbor':
      if (body.cbor) return { value: decodeCbor(body.bytes), duplicates: [] }
  }
  throw unknownFormat(body.cbor === true)
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads an object of `kind` from a request's body, with upstream's texts for what is wrong with it. Warnings are added to `warnings`. */
export const decodeBody = (kind: Kind, body: Body | undefined, validation: FieldValidation, warnings: string[]): KubeObject => {
  if (!body || 'stream' in body) throw unrecognized(kind, 'unexpected end of JSON input', '<empty>')
  return decodeRaw(kind, rawOf(kind, body), validation, warnings)
}

/** decodeBody of a long body, with a turn for others between its parsing and its reading as an object. */
export const decodeInSteps = async (
  kind: Kind,
  body: Body | undefined,
  validation: FieldValidation,
  warnings: string[],
  turn: () => Promise<void>,
): Promise<KubeObject> => {
  if (!body || 'stream' in body) return decodeBody(kind, body, validation, warnings)
  const raw = rawOf(kind, body)
  await turn()
  return decodeRaw(kind, raw, validation, warnings)
}

const rawOf = (kind: Kind, body: Exclude<Body, { stream: unknown }>): RawBody => {
  const isProtobuf = 'bytes' in body && mediaTypeOf(body.contentType) === protobuf
  try {
    const raw = parseBody(body, kind)
    if (!('bytes' in body)) return raw
    if (kind.custom && lacksKind(raw.value)) return { ...raw, summary: summaryOf(body.bytes), whole: Buffer.from(body.bytes).toString() }
    const sent = kind.custom ? { ...raw, sent: true } : raw
    return isRecord(raw.value) && wellNamed(raw.value) ? sent : { ...sent, summary: summaryOf(body.bytes) }
  } catch (error) {
    if (error instanceof Error && error.name === 'Refusal') throw error
    const summary = summaryOf('bytes' in body ? body.bytes : Buffer.alloc(0))
    const isYaml = 'bytes' in body && mediaTypeOf(body.contentType) === 'application/yaml'
    if (isProtobuf || isYaml) throw unreadable(kind, (error as Error).message, summary)
    throw unrecognized(kind, (error as Error).message, summary)
  }
}

/** Objects of custom kinds have no type that could say their kind for them. */
const lacksKind = (value: unknown): boolean => value === null || (isRecord(value) && (value.kind === undefined || value.kind === ''))

const checkNamed = (kind: Kind, { value, summary = '', whole, patched }: RawBody, validation: FieldValidation): void => {
  const text = whole ?? (patched && lacksKind(value) ? encodeJson(value as Json) : undefined)
  if (text !== undefined) {
    const why = `Object 'Kind' is missing in '${text}'`
    if (validation !== 'Ignore' && !patched) throw unreadable(kind, why, summary)
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`)
  }
  if (!isRecord(value) || (value.apiVersion !== undefined && value.apiVersion !== '')) return
  if (patched) throw internalError("Object 'apiVersion' is missing in 'object has no apiVersion field'")
  throw badRequest(`the API version in the data () does not match the expected API version (${kind.apiVersion})`)
}

const unreadable = (kind: Kind, why: string, summary: string): Refusal =>
  badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary})`)

const unrecognized = (kind: Kind, why: string, summary: string): Refusal =>
  unreadable(kind, `couldn't get version/kind; json parse error: ${why}`, summary)

const mostShown = 30
/** Upstream shows how a body begins: text that looks like JSON as it is, anything else in hexadecimal. */
const summaryOf = (bytes: Uint8Array): string => {
  const head = Buffer.from(bytes.subarray(0, mostShown))
  const more = bytes.length > mostShown ? ' ...' : ''
  if (head.length === 0) return '<empty>'
  return `${head.toString(head[0] === 0x7b ? 'utf8' : 'hex')}${more}`
}

/** The kind check of a decoder that has a default kind: what the body leaves out is taken from the resource. */
export const decodeRaw = (kind: Kind, given: RawBody, validation: FieldValidation, warnings: string[]): KubeObject => {
  // To Go, null is an object with nothing in it.
  const raw = given.value === null ? { ...given, value: {} } : given
  if (!isRecord(raw.value)) {
    const is = goKindOf(raw.value as Json)
    const why = `json: cannot unmarshal ${is} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`
    throw raw.summary === undefined
      ? badRequest(`couldn't get version/kind; json parse error: ${why}`)
      : unrecognized(kind, why, raw.summary)
  }
  if (kind.custom && (given.patched || given.sent || given.whole !== undefined)) checkNamed(kind, given, validation)
  checkKind(kind, raw.value, raw)
  let decoded: ReturnType<Kind['codec']['decode']>
  try {
    decoded = kind.codec.decode(raw.value)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${error.message}`)
  }
  if (decoded.hasUnknown || raw.duplicates.length > 0) {
    const faults = [...raw.duplicates, ...(decoded.hasUnknown ? kind.codec.unknown(raw.value) : [])]
    if (validation === 'Strict' && faults.length > 0)
      throw badRequest(
        `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${faults.join(', ')}`,
      )
    if (validation === 'Warn') for (const fault of faults) warnings.push(fault)
  }
  return isReset(raw.value) ? { ...decoded.object, metadata: { ...decoded.object.metadata, managedFields: [] } } : decoded.object
}

/** Entries that are there and none ask for a fresh start; decoding drops empty lists. */
const isReset = ({ metadata }: Readonly<Record<string, unknown>>): boolean =>
  isRecord(metadata) && Array.isArray(metadata.managedFields) && metadata.managedFields.length === 0

/** True for the names that any object may come under without a word about its text. */
const wellNamed = ({ kind, apiVersion }: Readonly<Record<string, unknown>>): boolean =>
  (kind === undefined || typeof kind === 'string') &&
  (apiVersion === undefined || (typeof apiVersion === 'string' && apiVersion.split('/').length < 3))

const checkKind = (kind: Kind, value: Readonly<Record<string, unknown>>, { summary, patched }: RawBody): void => {
  const given = value.kind ?? kind.kind
  const version = value.apiVersion ?? kind.apiVersion
  if (given === kind.kind && version === kind.apiVersion) return
  if (typeof given !== 'string' || typeof version !== 'string') {
    const [name, wrong] = typeof given !== 'string' ? ['kind', given] : ['apiVersion', version]
    const why = `json: cannot unmarshal ${goKindOf(wrong as Json)} into Go struct field .${name} of type string`
    throw summary === undefined ? badRequest(`couldn't get version/kind; json parse error: ${why}`) : unrecognized(kind, why, summary)
  }
  if (version.split('/').length > 2) {
    const why = `unexpected GroupVersion string: ${version}`
    throw summary === undefined ? badRequest(why) : unreadable(kind, why, summary)
  }
  if (kind.custom) throw wrongCustomKind(kind, value, given, version, patched === true)
  const { version: shortVersion } = splitApiVersion(version)
  const known = typeNameOfKind(version, given) !== undefined || isList(version, given)
  if (known && given === kind.kind)
    throw badRequest(`the API version in the data (${version}) does not match the expected API version (${kind.apiVersion})`)
  const why = known
    ? `converting (${shortVersion}.${given}) to (${packageOf(kind.group)}.${kind.kind}): unknown conversion`
    : `no kind ${JSON.stringify(given)} is registered for version ${JSON.stringify(version)} in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`
  throw badRequest(`${given} in version ${JSON.stringify(shortVersion)} cannot be handled as a ${kind.kind}: ${why}`)
}

/** A list's kind, which is as known as its elements'. */
const isList = (version: string, kind: string): boolean =>
  kind.endsWith('List') && (kind === 'List' || typeNameOfKind(version, kind.slice(0, -4)) !== undefined)

/** Objects of custom kinds can be read whatever they call themselves; validation minds the name. */
const wrongCustomKind = (
  kind: Kind,
  { metadata }: Readonly<Record<string, unknown>>,
  given: string,
  version: string,
  patched: boolean,
): Refusal => {
  if (version !== kind.apiVersion && !patched)
    return badRequest(`the API version in the data (${version}) does not match the expected API version (${kind.apiVersion})`)
  const name = isRecord(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
  const faults = [
    ...(given === kind.kind ? [] : [invalidValue('kind', given, `must be ${kind.kind}`)]),
    ...(version === kind.apiVersion ? [] : [invalidValue('apiVersion', version, `must be ${kind.apiVersion}`)]),
  ]
  return invalid({ group: splitApiVersion(version).group, kind: given }, name, faults)
}

/** The name of a group's internal Go package. */
export const packageOf = (group: string): string => (group === '' ? 'core' : (group.split('.')[0] as string))
