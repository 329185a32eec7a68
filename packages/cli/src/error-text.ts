import { isRefusal, type Refusal } from '@skiff/machinery'
import { ConfigurationError, ManyErrors } from './usage-error.ts'

// What kubectl prints of an error (cmd/util's checkErr).

const invalidText = ({ status }: Refusal): string | undefined => {
  const { details } = status
  if (!details?.kind && !details?.name) return `The request is invalid: ${status.message}`
  const about = `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid`
  // What several checks say alike is said once.
  const causes = [...new Set((details.causes ?? []).map(({ field, message }) => (field ? `${field}: ${message}` : (message ?? ''))))]
  if (causes.length === 0) return `${about}: ${status.message}`
  return causes.length === 1 ? `${about}: ${causes[0]}` : `${about}: \n${causes.map((cause) => `* ${cause}`).join('\n')}`
}

const networkText = (error: NodeJS.ErrnoException & { host?: string; port?: number; address?: string }): string | undefined => {
  const inner = (error as { errors?: readonly NodeJS.ErrnoException[] }).errors?.[0]
  if (inner) return networkText(inner as typeof error)
  if (error.code === 'ECONNREFUSED')
    return `The connection to the server ${error.address?.includes(':') ? `[${error.address}]` : error.address}:${error.port} was refused - did you specify the right host or port?`
  if (error.code === 'ENOTFOUND')
    return `Unable to connect to the server: dial tcp: lookup ${(error as { hostname?: string }).hostname}: no such host`
  if (
    /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?)$/.test(
      error.code ?? '',
    )
  )
    return 'Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority'
  if (
    error.code === 'ETIMEDOUT' ||
    error.code === 'EHOSTUNREACH' ||
    error.code === 'ENETUNREACH' ||
    error.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  )
    return `Unable to connect to the server: ${error.message}`
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return `error: ${error.message}`
  return undefined
}

/** One error in kubectl's words, without a newline at the end. */
export const errorText = (error: unknown): string => {
  if (error instanceof ManyErrors) return error.errors.map(oneOfMany).join('\n')
  if (isRefusal(error)) {
    if (error.reason === 'Invalid') {
      const text = invalidText(error)
      if (text) return text
    }
    return refusalText(error)
  }
  if (error instanceof ConfigurationError) return `Error in configuration: ${error.message}`
  const known = error instanceof Error ? networkText(error as NodeJS.ErrnoException) : undefined
  const message = plainMessage(error)
  return known ?? (message.startsWith('error: ') ? message : `error: ${message}`)
}

const refusalText = (error: Refusal): string => {
  if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`
  const source = (error as { source?: string }).source
  const message = source ? `${source}: ${error.message}` : error.message
  return error.reason ? `Error from server (${error.reason}): ${message}` : `Error from server: ${message}`
}

/** Among several errors kubectl leaves `error: ` out, and tells invalid fields in one line. */
const oneOfMany = (error: unknown): string => {
  if (error instanceof ManyErrors) return error.errors.map(oneOfMany).join('\n')
  return isRefusal(error) ? refusalText(error) : plainMessage(error)
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
}

/** An error's message, that of the file system in Go's words. */
const plainMessage = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { code, syscall, path } = error as NodeJS.ErrnoException
  return code !== undefined && path !== undefined && Object.hasOwn(reasons, code) ? `${syscall} ${path}: ${reasons[code]}` : error.message
}

/** Says of a refusal during which step it came: `error when creating "a.yaml"`. */
export const withSource = (error: unknown, source: string): unknown => {
  if (isRefusal(error)) return Object.assign(error, { source })
  return error
}
