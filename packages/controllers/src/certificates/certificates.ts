import type { CertificateSigningRequest } from '@skiff/api'
import { certificateSigningRequest as requests } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { type Controller, objectController } from '../runner/controller.ts'
import { ask, remove, requeue, type Steps, updatePart, updateStatus } from '../runner/step.ts'

export interface CertificatePolicy {
  /** The message to approve with; undefined leaves the request to a human. */
  readonly approve: (request: CertificateSigningRequest) => Promise<string | undefined>
  /** Signer names that `sign` serves. */
  readonly signers: readonly string[]
  /** PEM of the certificate and its chain. A rejection with `SigningRefused` is final; any other is tried again. */
  readonly sign: (request: CertificateSigningRequest) => Promise<string>
}

/** The request is not one that its signer may sign, now or later. */
export class SigningRefused extends Error {}

const condition = (request: CertificateSigningRequest, type: string) => request.status?.conditions?.find((one) => one.type === type)
const withCondition = (
  request: CertificateSigningRequest,
  type: string,
  reason: string,
  message: string,
  nowMs: number,
): CertificateSigningRequest => {
  const now = rfc3339(nowMs)
  const added = { type, status: 'True', reason, message, lastUpdateTime: now, lastTransitionTime: now }
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), added] } }
}

export const planApproval = (request: CertificateSigningRequest, policy: CertificatePolicy, nowMs: number): Steps => {
  if (request.status?.certificate || condition(request, 'Approved') || condition(request, 'Denied')) return []
  const decide = (message: string | undefined): Steps =>
    message === undefined ? [] : [updatePart(requests, 'approval', withCondition(request, 'Approved', 'AutoApproved', message, nowMs))]
  return [ask(`whether to approve ${request.metadata.name}`, () => policy.approve(request), { done: decide })]
}

export const planSigning = (request: CertificateSigningRequest, policy: CertificatePolicy, nowMs: number): Steps => {
  if (!policy.signers.includes(request.spec.signerName) || request.status?.certificate) return []
  if (!condition(request, 'Approved') || condition(request, 'Denied') || condition(request, 'Failed')) return []
  const signed = (pem: string): Steps => [
    updateStatus(requests, { ...request, status: { ...request.status, certificate: Buffer.from(pem).toString('base64') } }),
  ]
  const failed = (error: unknown): Steps | undefined =>
    error instanceof SigningRefused
      ? [updateStatus(requests, withCondition(request, 'Failed', 'SignerValidationFailure', error.message, nowMs))]
      : undefined
  return [ask(`a certificate for ${request.metadata.name}`, () => policy.sign(request), { done: signed, failed })]
}

// How long requests are kept, as upstream: decided ones an hour, undecided ones a day.
const decidedMs = 3_600_000
const pendingMs = 24 * 3_600_000

export const planCleanup = (request: CertificateSigningRequest, nowMs: number): Steps => {
  const decided = condition(request, 'Approved') ?? condition(request, 'Denied') ?? condition(request, 'Failed')
  const since = decided?.lastUpdateTime ?? request.metadata.creationTimestamp
  const dueMs = Date.parse(since) + (decided ? decidedMs : pendingMs)
  return dueMs <= nowMs ? [remove(requests, request)] : [requeue(dueMs - nowMs)]
}

export const certificateControllers = (policy: CertificatePolicy): readonly Controller[] => {
  const of = (name: string, plan: (request: CertificateSigningRequest, nowMs: number) => Steps): Controller =>
    objectController({
      name: `certificatesigningrequest-${name}-controller`,
      account: 'certificate-controller',
      resource: requests,
      plan: (request, _views, nowMs) => (request.metadata.deletionTimestamp === undefined ? plan(request, nowMs) : []),
    })
  return [
    of('approving', (request, nowMs) => planApproval(request, policy, nowMs)),
    of('signing', (request, nowMs) => planSigning(request, policy, nowMs)),
    of('cleaner', planCleanup),
  ]
}
