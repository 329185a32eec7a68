import type { Identity } from '@skiff/client'
import { addFaults, badRequest, type FieldError, invalid, invalidValue, type KubeObject, quoted } from '@skiff/machinery'
import type { Attributes } from '../authorize.ts'
import type { Rbac } from '../authz/rbac.ts'
import type { HandlerContext, Part } from '../handler.ts'
import { tracked } from '../managed-fields/track.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import type { Request } from '../rest/context.ts'
import { inNamespace } from '../rest/create.ts'
import { writeOptions } from '../rest/options.ts'

interface ResourceAttributes {
  readonly namespace?: string
  readonly verb?: string
  readonly group?: string
  readonly version?: string
  readonly resource?: string
  readonly subresource?: string
  readonly name?: string
}
interface ReviewSpec {
  readonly resourceAttributes?: ResourceAttributes
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string }
  readonly user?: string
  readonly groups?: readonly string[]
  readonly uid?: string
  readonly extra?: Readonly<Record<string, readonly string[]>>
}
type Review = KubeObject & { readonly spec: ReviewSpec }

/** Decodes a review, which is answered and never stored. */
const reviewOf = ({ rest }: HandlerContext, request: Request): Review => {
  const { validation, fieldManager } = writeOptions(request.call, 'CreateOptions')
  const { kind } = request
  const sent = inNamespace(kind, decodeBody(kind, request.call.body, validation, request.warnings), request.call.namespace)
  const whole = tracked(rest, { ...request, fieldManager }, sent, undefined)
  return (kind.conversion ? kind.conversion.toStored(whole) : whole) as Review
}

const attributesFor = (identity: Identity, spec: ReviewSpec): Attributes => {
  const of = spec.resourceAttributes
  if (of)
    return {
      identity,
      verb: of.verb ?? '',
      group: of.group ?? '',
      version: of.version ?? '',
      resource: of.resource ?? '',
      subresource: of.subresource ?? '',
      namespace: of.namespace ?? '',
      name: of.name ?? '',
    }
  const { path = '', verb = '' } = spec.nonResourceAttributes ?? {}
  return { identity, verb, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path }
}

const goAttributes = ({ path = '', verb = '' }: NonNullable<ReviewSpec['nonResourceAttributes']>): string =>
  `authorization.NonResourceAttributes{Path:${quoted(path)}, Verb:${quoted(verb)}}`

/** Upstream's refusals of reviews name the group alone. */
const unnamed = ({ kind }: Request) => ({ group: kind.group, kind: '' })

const checkSpec = (spec: ReviewSpec): FieldError[] => {
  if (spec.resourceAttributes && spec.nonResourceAttributes)
    return [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.nonResourceAttributes',
        body: `Invalid value: ${goAttributes(spec.nonResourceAttributes)}: cannot be specified in combination with resourceAttributes`,
      },
    ]
  if (!spec.resourceAttributes && !spec.nonResourceAttributes)
    return [invalidValue('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')]
  return []
}

/** A review of access is about its spec alone. */
const checkMetadata = ({ metadata }: Review): FieldError[] => {
  const { managedFields: _, ...rest } = metadata
  const empty = Object.values(rest).every(isEmpty)
  return empty ? [] : [invalidValue('metadata', rest, 'must be empty')]
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || value === 0 || (typeof value === 'object' && Object.keys(value).length === 0)

const decide = ({ authorize, why }: HandlerContext, identity: Identity, spec: ReviewSpec): unknown => {
  const attributes = attributesFor(identity, spec)
  const decision = authorize(attributes)
  const reason = decision.allowed ? decision.reason || why(attributes) : decision.reason
  return { allowed: decision.allowed, ...(reason ? { reason } : {}) }
}

const answer = (request: Request, review: Review, status: unknown) => {
  const { kind } = request
  const { spec } = kind.conversion ? (kind.conversion.fromStored(review) as Review) : review
  return replyValue(
    request.call,
    { kind: kind.kind, apiVersion: kind.apiVersion, metadata: { ...review.metadata, creationTimestamp: null }, spec, status },
    201,
  )
}

/** `kubectl auth can-i`. */
export const selfSubjectAccessReview: Part = async (context, request) => {
  const review = reviewOf(context, request)
  const errors = [...checkSpec(review.spec), ...checkMetadata(review)]
  if (errors.length > 0) throw invalid(unnamed(request), '', errors)
  return answer(request, review, decide(context, request.call.identity, review.spec))
}

const subject = (spec: ReviewSpec): Identity => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  ...(spec.uid ? { uid: spec.uid } : {}),
  ...(spec.extra ? { extra: spec.extra } : {}),
})

const checkSubject = (spec: ReviewSpec): FieldError[] =>
  !spec.user && !spec.groups?.length ? [invalidValue('spec.user', '', 'at least one of user or group must be specified')] : []

export const subjectAccessReview: Part = async (context, request) => {
  const review = reviewOf(context, request)
  const errors = [...checkSpec(review.spec), ...checkSubject(review.spec), ...checkMetadata(review)]
  if (errors.length > 0) throw invalid(unnamed(request), '', errors)
  return answer(request, review, decide(context, subject(review.spec), review.spec))
}

export const localSubjectAccessReview: Part = async (context, request) => {
  const review = reviewOf(context, request)
  const { spec } = review
  const errors = [...checkSpec(spec), ...checkSubject(spec)]
  const { namespace = '', ...metadata } = review.metadata
  addFaults(errors, checkMetadata({ ...review, metadata }))
  const of = spec.resourceAttributes
  if (of && (of.namespace ?? '') !== namespace)
    errors.push(invalidValue('spec.resourceAttributes.namespace', of.namespace ?? '', 'must match metadata.namespace'))
  const { nonResourceAttributes: path } = spec
  if (path)
    errors.push({
      reason: 'FieldValueInvalid',
      field: 'spec.nonResourceAttributes',
      body: `Invalid value: ${goAttributes(path)}: disallowed on this kind of request`,
    })
  if (errors.length > 0) throw invalid(unnamed(request), '', errors)
  return answer(request, review, decide(context, subject(spec), spec))
}

/** The rules that the caller has in a namespace: what `kubectl auth can-i --list` prints. */
export const selfSubjectRulesReview =
  (rbac: Rbac): Part =>
  async (context, request) => {
    const review = reviewOf(context, request) as KubeObject & { readonly spec: { readonly namespace?: string } }
    const { namespace } = review.spec
    if (!namespace) throw badRequest('no namespace on request')
    const identity = request.call.identity
    const rules = rbac.rulesFor(identity, namespace)
    const resourceRules = rules.filter((rule) => 'resources' in rule && (rule.resources?.length ?? 0) > 0)
    const nonResourceRules = rules.filter((rule) => 'nonResourceURLs' in rule && (rule.nonResourceURLs?.length ?? 0) > 0)
    return answer(request, { ...review, spec: {} }, { resourceRules, nonResourceRules, incomplete: false })
  }

/** Who the caller is: `kubectl auth whoami`. */
export const selfSubjectReview: Part = async (context, request) => {
  const review = reviewOf(context, request)
  const { name, uid, groups, extra } = request.call.identity
  const { kind } = request
  const userInfo = { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) }
  return replyValue(
    request.call,
    { kind: kind.kind, apiVersion: kind.apiVersion, metadata: { ...review.metadata, creationTimestamp: null }, status: { userInfo } },
    201,
  )
}

/** Asks the token authenticators about a token. */
export const tokenReview =
  (
    read: (
      token: string,
      audiences: readonly string[],
    ) => { readonly identity: Identity; readonly audiences: readonly string[] } | { readonly error: string },
  ): Part =>
  async (context, request) => {
    const review = reviewOf(context, request) as KubeObject & {
      readonly spec: { readonly token?: string; readonly audiences?: readonly string[] }
    }
    const { token, audiences = [] } = review.spec
    if (!token) throw badRequest('token is required for TokenReview in authentication')
    const found = read(token, audiences)
    if ('error' in found) return answer(request, review as Review, { user: {}, error: found.error })
    const { name, uid, groups, extra } = found.identity
    const user = { username: name, ...(uid ? { uid } : {}), groups: [...groups, 'system:authenticated'], ...(extra ? { extra } : {}) }
    return answer(request, review as Review, { authenticated: true, user, audiences: found.audiences })
  }
