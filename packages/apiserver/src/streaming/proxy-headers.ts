import type { IncomingHttpHeaders } from 'node:http'

/** Of one connection only. `te: trailers` alone may pass. */
const hopByHop = new Set([
  ...['connection', 'proxy-connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'http2-settings', 'expect', 'host'],
])
/** Ours alone: who the client is was answered here. */
const isCredential = (name: string): boolean => name === 'authorization' || name.startsWith('impersonate-') || name.startsWith('x-remote-')

const corsHeaders = new Set(['credentials', 'headers', 'methods', 'origin'].map((name) => `access-control-allow-${name}`))

type Fields = Record<string, string | string[]>

const filtered = (headers: IncomingHttpHeaders, drop: (name: string) => boolean): Fields => {
  const alsoDropped = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()))
  const kept: Fields = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || hopByHop.has(name) || alsoDropped.has(name) || drop(name)) continue
    kept[name] = value
  }
  return kept
}

export interface Forwarded {
  /** The Host that the client named; the backend sees it too. */
  readonly clientHost: string
  readonly clientAddress: string | undefined
  /** The public path of what is asked for. */
  readonly uri: string
}

/** The headers of a request as the backend gets them. */
export const requestHeaders = (headers: IncomingHttpHeaders, { clientHost, clientAddress, uri }: Forwarded): Fields => {
  const kept = filtered(headers, isCredential)
  const before = [kept['x-forwarded-for'] ?? []].flat()
  if (clientAddress !== undefined) kept['x-forwarded-for'] = [...before, clientAddress].join(', ')
  kept['x-forwarded-uri'] = uri
  kept.host = clientHost
  if (headers.te?.toString().includes('trailers')) kept.te = 'trailers'
  return kept
}

/** The headers of a response as the client gets them: a backend does not decide who may read our origin. */
export const responseHeaders = (headers: IncomingHttpHeaders): Fields => filtered(headers, (name) => corsHeaders.has(name))
