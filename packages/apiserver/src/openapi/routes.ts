import { createHash } from 'node:crypto'
import { descriptionsHash, type Kind, loadDescriptions } from '@skiff/api'
import { encodeJson } from '@skiff/machinery'
import type { Aggregator } from '../aggregation/aggregator.ts'
import { mergeDocuments2, type RemoteDocuments } from '../aggregation/remote-documents.ts'
import { notFoundHere } from '../not-found.ts'
import { type CachedDocument, type PlainRoutes, writeDocument } from '../plain/routes.ts'
import type { Registry } from '../registry/registry.ts'
import { writeStatus, writeValue } from '../serve/answer.ts'
import type { PlainRoute } from '../serve/http.ts'
import { kubernetesVersion } from '../version.ts'
import { document2, document3, plainDocument3, plainDocuments } from './documents.ts'
import { encodeDocument2 } from './gnostic.ts'
import type { Schema } from './schemas.ts'

const hashOf = (content: string | Buffer): string => createHash('sha512').update(content).digest('hex').toUpperCase()

const groupPath = (group: string, version: string): string => (group === '' ? `api/${version}` : `apis/${group}/${version}`)

/** /openapi/v2, /openapi/v3 and the documents that the latter lists. Documents are made when first asked for and until a kind comes or goes. */
export const openApiRoutes = (registry: Registry, remote: Remote, cbor = false): PlainRoutes => {
  let made = new Map<string, CachedDocument>()
  const forget = () => {
    made = new Map()
  }
  registry.subscribe(forget)
  remote.subscribe(forget)
  const cached = (key: string, make: () => CachedDocument): CachedDocument => {
    const known = made.get(key) ?? make()
    made.set(key, known)
    return known
  }
  let hashOfTexts: string | undefined
  const texts = (): string => {
    hashOfTexts ??= `${descriptionsHash()}${cbor ? ' cbor' : ''}`
    return hashOfTexts
  }
  const index = () => cached('index', () => indexOf(registry, remote, texts()))
  const found = (path: string) => registry.all().find((kind) => groupPath(kind.group, kind.version) === path)
  return {
    '/openapi/v2': (request) => {
      const asProtobuf = String(request.incoming.headers.accept ?? '').includes('protobuf')
      return writeDocument(
        request,
        cached(asProtobuf ? 'v2 protobuf' : 'v2', () => version2(registry, remote, asProtobuf, cbor)),
      )
    },
    '/openapi/v3': (request) => writeDocument(request, index()),
    '/openapi/v3/*': (request) => {
      const { incoming, outgoing, target } = request
      const path = target.path.slice('/openapi/v3/'.length).replace(/\/$/, '')
      const elsewhere = remote.documents().get(path)
      if (elsewhere) return writeRemote(request, remote, elsewhere)
      const kind = found(path)
      if (!kind && !plainDocuments(registry).includes(path)) return writeStatus(incoming, outgoing, notFoundHere().status)
      const hash = fingerprint(registry, texts(), path)
      const given = target.query.hash
      if (given !== undefined && given !== hash)
        return writeValue(incoming, outgoing, {
          status: 301,
          contentType: 'text/html; charset=utf-8',
          headers: { location: urlOf(path, hash) },
        })
      const document = cached(path, () => version3(registry, kind, path, hash, cbor))
      // Whoever names the hash never need ask again.
      const headers = { 'cache-control': 'public, immutable' }
      return writeDocument(request, given === undefined ? document : Object.assign(Object.create(document) as CachedDocument, { headers }))
    },
  }
}

/** The servers of other group versions, as far as their documents go. */
type Remote = Pick<Aggregator, 'documents' | 'document3' | 'subscribe'>

/** Another server's document, fetched anew: whoever asks keeps it by its hash. */
const writeRemote = async (
  { incoming, outgoing, target }: Parameters<PlainRoute>[0],
  remote: Remote,
  { path }: RemoteDocuments,
): Promise<void> => {
  const text = await remote.document3(path)
  if (text === '') return writeStatus(incoming, outgoing, notFoundHere().status)
  const headers = target.query.hash === undefined ? {} : { headers: { 'cache-control': 'public, immutable' } }
  const bytes = Buffer.from(text)
  return writeDocument({ incoming, outgoing } as Parameters<PlainRoute>[0], {
    ...{ bytes, etag: `"${hashOf(bytes)}"`, contentType: 'application/json' },
    ...headers,
  })
}

const urlOf = (path: string, hash: string): string => `/openapi/v3/${path}?hash=${hash}`

/** To be raised when documents tell the same kinds otherwise: kubectl keeps what it once read under a hash. */
const form = 2
/** Changes with everything that a group version's document tells, without making the document. */
const fingerprint = (registry: Registry, texts: string, path: string): string => {
  const kinds = registry.all().filter((kind) => groupPath(kind.group, kind.version) === path)
  const told = kinds.map((kind) => [
    kind.plural,
    kind.kind,
    kind.listKind,
    kind.verbs,
    kind.subresources,
    ...(kind.custom ? [kind.openApiSchema, kind.selectable] : []),
  ])
  return hashOf(JSON.stringify([kubernetesVersion.gitVersion, form, texts, path, told]))
}

const indexOf = (registry: Registry, remote: Remote, texts: string): CachedDocument => {
  const versions = registry.all().map((kind) => groupPath(kind.group, kind.version))
  const paths = [...new Set([...versions, ...plainDocuments(registry)])].sort()
  const own = paths.map((path) => [path, { serverRelativeURL: urlOf(path, fingerprint(registry, texts, path)) }] as const)
  const others = [...remote.documents()].flatMap(([path, { url3 }]) => (url3 ? [[path, { serverRelativeURL: url3 }] as const] : []))
  const listed = Object.fromEntries([...own, ...others].sort(([a], [b]) => (a < b ? -1 : 1)))
  const bytes = Buffer.from(JSON.stringify({ paths: listed }))
  return { bytes, etag: `"${hashOf(bytes)}"`, contentType: 'application/json' }
}

const version3 = (registry: Registry, kind: Kind | undefined, path: string, hash: string, cbor: boolean): CachedDocument => {
  const descriptions = loadDescriptions()
  const document = kind
    ? document3(registry, descriptions, kind.group, kind.version, cbor)
    : plainDocument3(registry, descriptions, path, cbor)
  return { bytes: encoded(document ?? {}), etag: `"${hash}"`, contentType: 'application/json' }
}

/** Paths are plain, and have keys of digits, over which the exact encoder takes its time; custom kinds' schemas may hold any number. */
const encoded = ({ paths, ...rest }: Schema): Buffer => Buffer.from(`{"paths":${JSON.stringify(paths)},${encodeJson(rest).slice(1)}`)

const protobuf2 = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
const version2 = (registry: Registry, remote: Remote, asProtobuf: boolean, cbor: boolean): CachedDocument => {
  const others = [...remote.documents().values()].flatMap(({ document2 }) => document2 ?? [])
  const document = mergeDocuments2(document2(registry, loadDescriptions(), cbor), others)
  const bytes = asProtobuf ? encodeDocument2(document) : encoded(document)
  return { bytes, etag: `"${hashOf(bytes)}"`, contentType: asProtobuf ? protobuf2 : 'application/json' }
}
