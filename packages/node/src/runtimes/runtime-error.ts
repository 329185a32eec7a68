export type RuntimeErrorCode =
  | 'notFound'
  | 'alreadyExists'
  | 'invalidArgument'
  | 'failedPrecondition'
  | 'deadlineExceeded'
  | 'cancelled'
  | 'resourceExhausted'
  | 'permissionDenied'
  | 'unimplemented'
  | 'unavailable'
  | 'unknown'

const grpcNames: Record<RuntimeErrorCode, string> = {
  notFound: 'NotFound',
  alreadyExists: 'AlreadyExists',
  invalidArgument: 'InvalidArgument',
  failedPrecondition: 'FailedPrecondition',
  deadlineExceeded: 'DeadlineExceeded',
  cancelled: 'Canceled',
  resourceExhausted: 'ResourceExhausted',
  permissionDenied: 'PermissionDenied',
  unimplemented: 'Unimplemented',
  unavailable: 'Unavailable',
  unknown: 'Unknown',
}

/**
 * A runtime refused or failed. `message` has the form that users know from pod status and events
 * (`rpc error: code = NotFound desc = …`); `description` is the last part alone.
 */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode
  readonly description: string
  constructor(code: RuntimeErrorCode, description: string) {
    super(`rpc error: code = ${grpcNames[code]} desc = ${description}`)
    this.name = 'RuntimeError'
    this.code = code
    this.description = description
  }
}

export const isRuntimeError = (error: unknown, code?: RuntimeErrorCode): error is RuntimeError =>
  error instanceof RuntimeError && (code === undefined || error.code === code)
