import { posix } from 'node:path'

/** Where a proxied page stands, as far as its links need it. */
export interface PagePlace {
  /** The public path that stands for the backend's root: /api/v1/namespaces/n/services/s/proxy. */
  readonly prefix: string
  /** The backend's host, by which its own absolute links name it. */
  readonly backendHost: string
  /** The host by which the client has called us. */
  readonly clientHost: string
}

const urlParts = /^([a-zA-Z][a-zA-Z0-9+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s

/**
 * A link of a proxied page or a redirect, as it leads back through the proxy: absolute paths, on no host or one of the two that
 * mean the backend, get the prefix. Everything else stays as it is.
 */
export const rewriteUrl = (url: string, { prefix, backendHost, clientHost }: PagePlace): string => {
  const [, scheme = '', host = '', path = '', rest = ''] = urlParts.exec(url) ?? []
  if (!path.startsWith('/') || (host !== '' && host !== backendHost && host !== clientHost)) return url
  const origin = host !== '' && host === clientHost ? `${scheme}//${host}` : ''
  return `${origin}${path.startsWith(prefix) ? path : posix.join(prefix, path)}${rest}`
}
