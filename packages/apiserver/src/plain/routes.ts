import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Identity } from '@skiff/client'
import { type Attributes, type Authorizer, forbiddenBy } from '../authorize.ts'
import { formOf, unavailable } from '../represent/accept.ts'
import { indentedJson } from '../represent/indented-json.ts'
import { encoded } from '../represent/represent.ts'
import { methodNotAllowed } from '../rest/context.ts'
import { acceptsGzip, writeValue } from '../serve/answer.ts'
import type { PlainRoute } from '../serve/http.ts'
import { servesCbor, wantsPretty } from '../serve/statuses.ts'

/** A table of paths outside of the resources. A key ending in /* serves everything below it. */
export type PlainRoutes = Readonly<Record<string, PlainRoute>>

/** Finds a path's route and asks whether the identity may use it, as RBAC's nonResourceURLs say; throws a Refusal. */
export const plainRouter =
  (routes: PlainRoutes, authorize: Authorizer) =>
  (path: string, identity: Identity, method: string): PlainRoute | undefined => {
    // Upstream's router takes a slash at the end, its table of other paths does not.
    const trimmed = path.startsWith('/api') && path.endsWith('/') ? path.slice(0, -1) : path
    const attributes: Attributes = {
      identity,
      verb: method.toLowerCase(),
      group: '',
      version: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
      path,
    }
    const decision = authorize(attributes)
    if (!decision.allowed) throw forbiddenBy(attributes, decision)
    return routes[trimmed] ?? below(routes, trimmed)
  }

const below = (routes: PlainRoutes, path: string): PlainRoute | undefined => {
  if (path.endsWith('/')) return undefined
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const route = routes[`${path.slice(0, at)}/*`]
    if (route) return route
  }
  return undefined
}

export const textRoute =
  (text: () => string, contentType = 'text/plain; charset=utf-8'): PlainRoute =>
  ({ incoming, outgoing }) =>
    writeValue(incoming, outgoing, { status: 200, bytes: Buffer.from(text()), contentType })

/** What Go's mux answers for a path that nobody serves; a second line may say why. */
export const pageNotFound = ({ incoming, outgoing }: Parameters<PlainRoute>[0], why?: string): Promise<void> | undefined =>
  writeValue(incoming, outgoing, {
    status: 404,
    bytes: Buffer.from(`404 page not found\n${why ? `${why}\n` : ''}`),
    contentType: 'text/plain; charset=utf-8',
    headers: { 'x-content-type-options': 'nosniff' },
  })

export interface JsonRouteOptions {
  /** The media type of its JSON. */
  readonly contentType?: string
  /** True: a route of a router, which looks at the Accept header first and takes GET alone. */
  readonly routed?: boolean
}

/** A document in whatever encoding is asked for. */
export const jsonRoute =
  (value: () => unknown, { contentType, routed }: JsonRouteOptions = {}): PlainRoute =>
  ({ incoming, outgoing, method }) => {
    if (routed && method !== 'GET') throw methodNotAllowed()
    const form = formOf(incoming.headers.accept, { of: routed ? 'served' : 'plain', cbor: servesCbor(incoming) })
    const pretty = form.encoding === 'json' && (form.pretty || wantsPretty(incoming))
    const reply = encoded(value(), pretty ? { ...form, pretty } : form)
    return writeValue(incoming, outgoing, form.encoding === 'json' && contentType ? { ...reply, contentType } : reply)
  }

/** A document that is always written with indents; `routed`: by a route that gives nothing but JSON, to GET alone. */
export const indentedRoute =
  (value: () => unknown, routed = false): PlainRoute =>
  ({ incoming, outgoing, method }) => {
    if (routed && method !== 'GET') throw methodNotAllowed()
    if (routed && !givesJson(incoming.headers.accept)) throw unavailable(['application/json'])
    return writeValue(incoming, outgoing, { status: 200, bytes: Buffer.from(indentedJson(value())), contentType: 'application/json' })
  }

const givesJson = (accept = '*/*'): boolean =>
  accept.split(',').some((part) => ['*/*', 'application/json'].includes((part.split(';')[0] as string).trim()))

/** A large document that seldom changes: encoded and packed once, answered by ETag. */
export interface CachedDocument {
  readonly bytes: Buffer
  /** With its quotes. */
  readonly etag: string
  readonly contentType: string
  /** Headers besides those of any cached document. */
  readonly headers?: Readonly<Record<string, string>>
  gzipped?: Promise<Buffer>
}

export const cachedRoute =
  (document: (accept: string) => CachedDocument): PlainRoute =>
  (request) =>
    writeDocument(request, document(String(request.incoming.headers.accept ?? '')))

const pack = promisify(gzip)
const packFrom = 128 * 1024

/** Writes a document, or that the client has it already. */
export const writeDocument = async ({ incoming, outgoing }: Parameters<PlainRoute>[0], made: CachedDocument): Promise<void> => {
  const { contentType } = made
  const headers = { etag: made.etag, vary: 'Accept', ...made.headers }
  if (incoming.headers['if-none-match'] === made.etag) return writeValue(incoming, outgoing, { status: 304, contentType, headers })
  if (made.bytes.length <= packFrom || !acceptsGzip(incoming))
    return writeValue(incoming, outgoing, { status: 200, bytes: made.bytes, contentType, headers })
  made.gzipped ??= pack(made.bytes, { level: 5 })
  const bytes = await made.gzipped
  return writeValue(incoming, outgoing, { status: 200, bytes, contentType, headers: { ...headers, 'content-encoding': 'gzip' } })
}
