import type { Gates, Kind } from '@skiff/api'
import type { Call } from '@skiff/client'
import {
  badRequest,
  type FieldError,
  forbiddenField,
  invalid,
  invalidValue,
  type KubeObject,
  notSupported,
  parseFieldSelector,
  parseLabelSelector,
  Refusal,
} from '@skiff/machinery'
import { queryFlag, queryValue } from './context.ts'
import { queryInteger } from './options.ts'

export type Match = (object: KubeObject) => boolean

/** Selectors look at what the reader is shown, where a webhook made it. */
export const matchServed = ({ conversion }: Kind, match: Match): Match =>
  conversion?.prepare ? (object) => match(conversion.fromStored(object)) : match

export interface ListOptions {
  /** Undefined: everything matches. */
  readonly match: Match | undefined
  /** Set when a field selector asks for one name. */
  readonly name: string | undefined
  readonly limit: number
  readonly continue: string
  /** '' or a decimal number. */
  readonly resourceVersion: string
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan'
  readonly allowBookmarks: boolean
  /** Undefined: the query says nothing of it. */
  readonly sendInitialEvents: boolean | undefined
  readonly timeoutSeconds: number | undefined
  readonly selected: boolean
}

/** Reads and checks the query of a list, watch or deletecollection, as upstream's ValidateListOptions does. */
export const listOptions = (kind: Kind, call: Call, gates: Gates): ListOptions => {
  const labels = labelMatch(queryValue(call, 'labelSelector') ?? '')
  const fields = fieldMatch(kind, queryValue(call, 'fieldSelector') ?? '', call.name)
  const limit = queryInteger(call, 'limit') ?? 0
  const resourceVersion = queryValue(call, 'resourceVersion') ?? ''
  const match = queryValue(call, 'resourceVersionMatch') ?? ''
  checkVersions(call, resourceVersion, match, gates)
  return {
    match: both(labels, fields.match),
    selected: labels !== undefined || fields.match !== undefined,
    name: fields.name,
    // Upstream's watch cache, which answers where any version will do, knows no pages.
    limit: resourceVersion === '0' ? 0 : limit,
    continue: queryValue(call, 'continue') ?? '',
    resourceVersion,
    resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    allowBookmarks: queryFlag(call, 'allowWatchBookmarks'),
    sendInitialEvents: queryValue(call, 'sendInitialEvents') === undefined ? undefined : queryFlag(call, 'sendInitialEvents'),
    timeoutSeconds: queryInteger(call, 'timeoutSeconds'),
  }
}

const checkVersions = (call: Call, resourceVersion: string, match: string, gates: Gates): void => {
  const errors: FieldError[] = []
  if (call.verb === 'watch') checkWatch(errors, call, match, gates)
  else checkList(errors, call, resourceVersion, match)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  checkVersion(resourceVersion)
}

/** Upstream's storage reads it late, and what it says then is no refusal that anybody words. */
export const checkVersion = (text: string): void => {
  if (/^\d*$/.test(text)) return
  const { field, body } = invalidValue('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  throw new Refusal(500, '', `${field}: ${body}`)
}

const where = 'resourceVersionMatch'
const whileContinuing = 'resourceVersionMatch is forbidden when continue is provided'

const checkList = (errors: FieldError[], call: Call, resourceVersion: string, match: string): void => {
  if (match !== '') {
    if (resourceVersion === '') errors.push(forbiddenField(where, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (queryValue(call, 'continue')) errors.push(forbiddenField(where, whileContinuing))
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(notSupported(where, match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbiddenField(where, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (queryValue(call, 'sendInitialEvents') !== undefined)
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
}

const checkWatch = (errors: FieldError[], call: Call, match: string, gates: Gates): void => {
  const sends = queryValue(call, 'sendInitialEvents') !== undefined
  if (sends && match !== 'NotOlderThan')
    errors.push(forbiddenField(where, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (sends && !gates.WatchList)
    errors.push(
      forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled'),
    )
  if (match === '') return
  if (!sends) errors.push(forbiddenField(where, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
  if (match !== 'NotOlderThan') errors.push(notSupported(where, match, ['NotOlderThan']))
  if (queryValue(call, 'continue')) errors.push(forbiddenField(where, whileContinuing))
}

const labelMatch = (text: string): Match | undefined => {
  if (text === '') return undefined
  try {
    const selector = parseLabelSelector(text)
    return (object) => selector.matches(object.metadata.labels ?? {})
  } catch (error) {
    throw badRequest((error as Error).message)
  }
}

const fieldMatch = (kind: Kind, text: string, name: string | undefined): { match: Match | undefined; name: string | undefined } => {
  const selector = text === '' ? undefined : parseFields(text)
  if (!selector)
    return name === undefined ? { match: undefined, name: undefined } : { match: (object) => object.metadata.name === name, name }
  for (const { field } of selector.requirements) checkLabel(kind, field)
  const wanted = selector.requirements.find((each) => each.field === 'metadata.name' && each.operator !== '!=')?.value
  if (name !== undefined && wanted !== undefined && wanted !== name)
    throw badRequest(`field metadata.name must match ${JSON.stringify(name)}`)
  return {
    match: (object) =>
      (name === undefined || object.metadata.name === name) && selector.matches((field) => kind.field(object, field) ?? ''),
    name: name ?? wanted,
  }
}

const parseFields = (text: string) => {
  try {
    return parseFieldSelector(text)
  } catch (error) {
    throw badRequest((error as Error).message)
  }
}

const checkLabel = (kind: Kind, label: string): void => {
  if (kind.selectable.includes(label)) return
  if (kind.storedAs === 'jobs.batch') throw badRequest(`field label ${JSON.stringify(label)} not supported for batchv1.Job`)
  if (!kind.selectableDefault) throw badRequest(`field label not supported: ${label}`)
  if (label === 'metadata.namespace') return
  throw badRequest(`${JSON.stringify(label)} is not a known field selector: only "metadata.name", "metadata.namespace"`)
}

const both = (a: Match | undefined, b: Match | undefined): Match | undefined => (a && b ? (object) => a(object) && b(object) : (a ?? b))
