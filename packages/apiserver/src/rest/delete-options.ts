import type { Call } from '@skiff/client'
import { badRequest, type FieldError, goKindOf, invalid, invalidValue, type Json, notSupported } from '@skiff/machinery'
import { parseBody } from './body.ts'
import { queryFlag, queryValue } from './context.ts'
import { checkDryRun, dryRunOf, queryInteger } from './options.ts'

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: string
  readonly orphanDependents?: boolean
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly dryRun: boolean
}

export interface Given {
  readonly gracePeriodSeconds?: number | undefined
  readonly propagationPolicy?: string | undefined
  readonly orphanDependents?: boolean | undefined
  readonly preconditions?: DeleteOptions['preconditions']
  readonly dryRun?: readonly string[]
}

/** DeleteOptions of the body, or of the query where there is none, checked as metav1.validation does. */
export const deleteOptions = (call: Call): DeleteOptions => {
  const errors: FieldError[] = []
  const given = bodyOptions(call)
  const dryRun = given ? checkDryRun(given.dryRun ?? [], errors) : dryRunOf(call, errors)
  return checkedOptions(given ?? queryOptions(call), dryRun, errors)
}

/** Options as another object holds them. */
export const nestedDeleteOptions = (given: Given): DeleteOptions => {
  const errors: FieldError[] = []
  return checkedOptions(given, checkDryRun(given.dryRun ?? [], errors), errors)
}

const checkedOptions = (options: Given, dryRun: boolean, errors: FieldError[]): DeleteOptions => {
  const { propagationPolicy: policy, orphanDependents: orphan, gracePeriodSeconds: grace, preconditions } = options
  if (policy !== undefined && orphan !== undefined)
    errors.push(invalidValue('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'))
  if (policy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(policy))
    errors.push(notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  return {
    dryRun,
    // Upstream takes a grace below zero for a second.
    ...(grace !== undefined ? { gracePeriodSeconds: grace < 0 ? 1 : grace } : {}),
    ...(policy !== undefined ? { propagationPolicy: policy } : {}),
    ...(orphan !== undefined ? { orphanDependents: orphan } : {}),
    ...(preconditions ? { preconditions } : {}),
  }
}

/** Of the query, `uid` and `resourceVersion` are preconditions. */
const queryOptions = (call: Call): Given => {
  const uid = queryValue(call, 'uid')
  const resourceVersion = queryValue(call, 'resourceVersion')
  const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
  return {
    gracePeriodSeconds: queryInteger(call, 'gracePeriodSeconds'),
    propagationPolicy: queryValue(call, 'propagationPolicy'),
    orphanDependents: call.query.orphanDependents === undefined ? undefined : queryFlag(call, 'orphanDependents'),
    ...(uid || resourceVersion ? { preconditions } : {}),
  }
}

const bodyOptions = ({ body }: Call): Given | undefined => {
  if (!body || 'stream' in body || ('bytes' in body && body.bytes.length === 0)) return undefined
  let value: Json
  try {
    value = parseBody(body, { apiVersion: 'v1', kind: 'DeleteOptions' }).value as Json
  } catch (error) {
    if (error instanceof Error && error.name === 'Refusal') throw error
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`)
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKindOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    )
  return checked(value as Record<string, Json>)
}

const types: Readonly<Record<string, readonly [test: (value: Json) => boolean, goType: string]>> = {
  gracePeriodSeconds: [(value) => Number.isInteger(value), 'int64'],
  propagationPolicy: [(value) => typeof value === 'string', 'v1.DeletionPropagation'],
  orphanDependents: [(value) => typeof value === 'boolean', 'bool'],
  dryRun: [(value) => Array.isArray(value) && value.every((each) => typeof each === 'string'), '[]string'],
  preconditions: [(value) => typeof value === 'object' && !Array.isArray(value), 'v1.Preconditions'],
}

const checked = (value: Readonly<Record<string, Json>>): Given => {
  const { kind, apiVersion } = value
  if (kind !== undefined && kind !== 'DeleteOptions')
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion ?? '')} in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"`,
    )
  const options: Record<string, Json> = {}
  for (const [name, [fits, goType]] of Object.entries(types)) {
    const given = value[name]
    if (given === undefined || given === null) continue
    if (!fits(given))
      throw badRequest(`json: cannot unmarshal ${goKindOf(given)} into Go struct field DeleteOptions.${name} of type ${goType}`)
    options[name] = given
  }
  for (const [name, given] of Object.entries((options.preconditions as Record<string, Json> | undefined) ?? {}))
    if ((name === 'uid' || name === 'resourceVersion') && given !== null && typeof given !== 'string')
      throw badRequest(
        `json: cannot unmarshal ${goKindOf(given)} into Go struct field Preconditions.preconditions.${name} of type ${name === 'uid' ? 'types.UID' : 'string'}`,
      )
  return options as Given
}
