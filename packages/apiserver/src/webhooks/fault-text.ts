/** A connection that failed, as Go's client words it. */
export const dialFault = (error: NodeJS.ErrnoException & { address?: string; port?: number }, place: { readonly host: string }): string => {
  const address = error.address === undefined ? '' : ` ${error.address.includes(':') ? `[${error.address}]` : error.address}:${error.port}`
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp${address}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `dial tcp${address}: connect: no route to host`
    case 'ENETUNREACH':
      return `dial tcp${address}: connect: network is unreachable`
    case 'ETIMEDOUT':
      return `dial tcp${address}: i/o timeout`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${place.host}: no such host`
    case 'ECONNRESET':
    case 'EPIPE':
      return 'EOF'
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${place.host}`
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'CERT_SIGNATURE_FAILURE':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
    default:
      return error.message
  }
}

const longestShown = 2048
const texts: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
}

/** An answer that is no success, as upstream's client words it. */
export const serverFault = (status: number, body: string): string => {
  const said = body.trim().slice(0, longestShown) || 'unknown'
  if (status === 403 || status === 406 || status === 415) return said
  const text = texts[status]
  if (text !== undefined) return text
  return status >= 500
    ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
    : `the server responded with the status code ${status} but did not return more information`
}
