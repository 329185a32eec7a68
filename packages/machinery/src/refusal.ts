import type { FieldError } from './field.ts'
import { summariseErrors } from './field.ts'

/** One entry of Status.details.causes. */
export interface StatusCause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

export interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly uid?: string
  readonly causes?: readonly StatusCause[]
  readonly retryAfterSeconds?: number
}

/** metav1.Status of a failure, as it goes over the wire. */
export interface FailureStatus {
  readonly kind: 'Status'
  readonly apiVersion: 'v1'
  readonly metadata: Record<string, never>
  readonly status: 'Failure'
  readonly message: string
  readonly reason?: string
  readonly details?: StatusDetails
  readonly code: number
}

/** A call that was refused: what upstream's StatusError is. Thrown by handlers, written as a Status by the server. */
export class Refusal extends Error {
  readonly status: FailureStatus
  /** Texts of Warning headers that go with the refusal: set by who answers the call. */
  warnings?: readonly string[]
  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message)
    this.name = 'Refusal'
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason ? { reason } : {}),
      ...(details ? { details } : {}),
      code,
    }
  }
  get code(): number {
    return this.status.code
  }
  get reason(): string {
    return this.status.reason ?? ''
  }
  static from(status: FailureStatus): Refusal {
    return new Refusal(status.code, status.reason ?? '', status.message, status.details)
  }
}

/** What a refusal speaks of: a group and, as upstream's texts want, a plural resource or a kind. */
export interface Named {
  readonly group: string
  readonly resource: string
}
const qualified = ({ group, resource }: Named): string => (group === '' ? resource : `${resource}.${group}`)
const detailsOf = ({ group, resource }: Named, name: string): StatusDetails => ({
  ...(name ? { name } : {}),
  ...(group ? { group } : {}),
  ...(resource ? { kind: resource } : {}),
})

// The texts below are those of apimachinery's pkg/api/errors.

export const notFound = (what: Named, name: string) =>
  new Refusal(404, 'NotFound', `${qualified(what)} ${JSON.stringify(name)} not found`, detailsOf(what, name))
export const alreadyExists = (what: Named, name: string) =>
  new Refusal(409, 'AlreadyExists', `${qualified(what)} ${JSON.stringify(name)} already exists`, detailsOf(what, name))
export const conflict = (what: Named, name: string, why: string) =>
  new Refusal(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(what)} ${JSON.stringify(name)}: ${why}`, detailsOf(what, name))
export const forbidden = (what: Named, name: string, why: string) =>
  new Refusal(
    403,
    'Forbidden',
    what.resource === ''
      ? `forbidden: ${why}`
      : name === ''
        ? `${qualified(what)} is forbidden: ${why}`
        : `${qualified(what)} ${JSON.stringify(name)} is forbidden: ${why}`,
    detailsOf(what, name),
  )
export const unauthorized = (why = 'Unauthorized') => new Refusal(401, 'Unauthorized', why)
export const badRequest = (why: string) => new Refusal(400, 'BadRequest', why)
export const methodNotSupported = (what: Named, verb: string) =>
  new Refusal(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind ${JSON.stringify(qualified(what))}`,
    detailsOf(what, ''),
  )
export const gone = (why: string) => new Refusal(410, 'Gone', why)
export const expired = (why: string) => new Refusal(410, 'Expired', why)
export const notAcceptable = (why: string) => new Refusal(406, 'NotAcceptable', why)
export const unsupportedMediaType = (why: string) => new Refusal(415, 'UnsupportedMediaType', why)
export const tooLarge = (why: string) => new Refusal(413, 'RequestEntityTooLarge', why)
export const tooManyRequests = (why: string, retryAfterSeconds: number) => new Refusal(429, 'TooManyRequests', why, { retryAfterSeconds })
export const internalError = (why: string) =>
  new Refusal(500, 'InternalError', `Internal error occurred: ${why}`, { causes: [{ message: why }] })
export const serviceUnavailable = (why: string) => new Refusal(503, 'ServiceUnavailable', why)
export const timeout = (why: string, retryAfterSeconds = 0) =>
  new Refusal(504, 'Timeout', `Timeout: ${why}`, retryAfterSeconds ? { retryAfterSeconds } : {})

/** 422 with one cause a field error. `what.resource` is the kind here, as upstream has it. */
export const invalid = (what: { group: string; kind: string }, name: string, errors: readonly FieldError[]) =>
  new Refusal(
    422,
    'Invalid',
    `${qualified({ group: what.group, resource: what.kind })} ${JSON.stringify(name)} is invalid: ${summariseErrors(errors)}`,
    {
      ...detailsOf({ group: what.group, resource: what.kind }, name),
      causes: errors.map((error) => ({ reason: error.reason, message: error.body, field: error.field })),
    },
  )

export const isRefusal = (error: unknown, code?: number): error is Refusal =>
  error instanceof Refusal && (code === undefined || error.code === code)
