import { Refusal, type StatusDetails } from '@skiff/machinery'

/** What a webhook said, checked. */
export interface Verdict {
  readonly allowed: boolean
  readonly status: GivenStatus | undefined
  /** A JSON patch, decoded from base64; '' where there is none. */
  readonly patch: string
  readonly warnings: readonly string[]
}

interface GivenStatus {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: StatusDetails
}

interface Answer {
  readonly apiVersion?: unknown
  readonly kind?: unknown
  readonly response?: {
    readonly uid?: unknown
    readonly allowed?: unknown
    readonly status?: GivenStatus
    readonly patch?: unknown
    readonly patchType?: unknown
    readonly warnings?: unknown
  } | null
}

/** Reads an AdmissionReview; throws an Error with upstream's text for one that cannot count. v1beta1 allowed answers without uid and type. */
export const readAnswer = (given: unknown, asked: { readonly apiVersion: string; readonly uid: string }, mutating: boolean): Verdict => {
  const { apiVersion = '', kind = '', response } = (typeof given === 'object' && given !== null ? given : {}) as Answer
  const v1 = asked.apiVersion === 'admission.k8s.io/v1'
  if (!response) throw new Error('webhook response was absent')
  const { uid = '', allowed, status, patch, patchType } = response
  if (v1 && uid !== asked.uid) throw new Error(`expected response.uid=${JSON.stringify(asked.uid)}, got ${JSON.stringify(uid)}`)
  if (v1 && (apiVersion !== asked.apiVersion || kind !== 'AdmissionReview'))
    throw new Error(
      `expected webhook response of ${asked.apiVersion}, Kind=AdmissionReview, got ${String(apiVersion)}, Kind=${String(kind)}`,
    )
  checkPatch(v1, mutating, patch, patchType)
  return {
    allowed: allowed === true,
    status,
    patch: mutating && typeof patch === 'string' ? Buffer.from(patch, 'base64').toString() : '',
    warnings: Array.isArray(response.warnings) ? response.warnings.filter((each): each is string => typeof each === 'string') : [],
  }
}

const checkPatch = (v1: boolean, mutating: boolean, patch: unknown, patchType: unknown): void => {
  if (!mutating) {
    if (v1 && patch) throw new Error('validating webhook may not return response.patch')
    if (v1 && patchType !== undefined && patchType !== null) throw new Error('validating webhook may not return response.patchType')
    return
  }
  const typed = patchType !== undefined && patchType !== null
  if (v1 && patch && !typed) throw new Error('webhook returned response.patch but not response.patchType')
  if (v1 && !patch && typed) throw new Error('webhook returned response.patchType but not response.patch')
  if (typed && patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
  if (typed && patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(patchType)}`)
}

/** The refusal that a webhook's own words make. */
export const deniedBy = (webhook: string, { code = 0, reason = '', message = '', details }: GivenStatus = {}): Refusal => {
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const text = message ? `${denied}: ${message}` : reason ? `${denied}: ${reason}` : `${denied} without explanation`
  return new Refusal(code < 400 ? 400 : code, reason, text, details)
}
