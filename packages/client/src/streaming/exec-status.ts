import { internalError } from '@skiff/machinery'

/** How a command ended: its exit code, or 1 with the reason why it could not be run. */
export interface ExecExit {
  readonly code: number
  readonly message?: string
}

interface StatusLike {
  readonly status?: string
  readonly message?: string
  readonly reason?: string
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] }
}

const protocolError = (why: string): ExecExit => ({ code: 1, message: `error stream protocol error: ${why}` })

const exitOf = (status: StatusLike): ExecExit => {
  if (status.status === 'Success') return { code: 0 }
  if (status.status !== 'Failure') return protocolError('unknown error')
  if (status.reason !== 'NonZeroExitCode') return { code: 1, message: status.message ?? '' }
  if (!status.details) return protocolError('details must be set')
  const cause = status.details.causes?.find(({ reason }) => reason === 'ExitCode')
  if (!cause) return protocolError('no ExitCode cause given')
  const code = Number(cause.message)
  if (!/^\d{1,3}$/.test(cause.message ?? '') || code > 255) return protocolError(`invalid exit code value ${JSON.stringify(cause.message)}`)
  return { code, message: `command terminated with exit code ${code}` }
}

/** Reads what came on the error stream of protocol v4 and v5: a metav1.Status. Nothing at all is success. */
export const parseExecStatus = (text: string): ExecExit => {
  if (text === '') return { code: 0 }
  try {
    return exitOf(JSON.parse(text) as StatusLike)
  } catch (error) {
    return protocolError(`${error instanceof Error ? error.message : String(error)} in ${JSON.stringify(text)}`)
  }
}

/** The Status that a runtime writes for an exit code. */
export const execStatus = (code: number): object =>
  code === 0
    ? { metadata: {}, status: 'Success' }
    : {
        metadata: {},
        status: 'Failure',
        message: `command terminated with non-zero exit code: exit code ${code}`,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
      }

/** The Status for a command that could not be run. */
export const execFailure = (error: unknown): object =>
  internalError(`error executing command in container: ${error instanceof Error ? error.message : String(error)}`).status
