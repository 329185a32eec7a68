import { createHash } from 'node:crypto'
import type { Kind } from '@skiff/api'
import { type Discovered, type GroupVersions, groupsOf } from '../discovery.ts'
import type { PlainRoute } from '../serve/http.ts'
import { type CachedDocument, writeDocument } from './routes.ts'

type Version = 'v2' | 'v2beta1'

/**
 * The version of aggregated discovery that an Accept header asks for before anything else that is served; undefined for plain discovery.
 * `beta`: v2beta1 is served, which 1.33 does no more unless its gate says so.
 */
export const aggregatedVersion = (accept: string, beta = false): Version | undefined => {
  for (const clause of accept.split(',')) {
    const [type = '', ...rest] = clause.split(';').map((part) => part.trim())
    if (type !== 'application/json' && type !== 'application/*' && type !== '*/*') continue
    const parameters = new Map(rest.map((part) => part.split('=', 2) as [string, string]))
    if (parameters.get('as') === undefined) return undefined
    const version = parameters.get('v')
    if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io') continue
    if (version === 'v2' || (beta && version === 'v2beta1')) return version
  }
  return undefined
}

/** Every group with its versions and resources in one document: /api for the core group, /apis for all others. */
export const aggregatedRoute = (registry: Discovered, { core, beta }: { core: boolean; beta: boolean }, plain: PlainRoute): PlainRoute => {
  let made = new Map<Version, CachedDocument>()
  registry.subscribe(() => {
    made = new Map()
  })
  return (request) => {
    const version = aggregatedVersion(String(request.incoming.headers.accept ?? ''), beta)
    if (!version) return plain(request)
    const document = made.get(version) ?? documentOf(registry, core, version)
    made.set(version, document)
    return writeDocument(request, document)
  }
}

const documentOf = (registry: Discovered, core: boolean, version: Version): CachedDocument => {
  const items = groupsOf(registry)
    .filter(({ group }) => (group === '') === core)
    .map(groupItem)
  const list = { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items }
  const bytes = Buffer.from(`${JSON.stringify(list)}\n`)
  const etag = `"${createHash('sha512').update(bytes).digest('hex').toUpperCase()}"`
  return { bytes, etag, contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList` }
}

/** The preferred version comes first. */
const groupItem = ({ group, versions, preferred }: GroupVersions) => ({
  metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
  versions: [...versions]
    .sort((a, b) => Number(b.version === preferred) - Number(a.version === preferred))
    .map(({ version, kinds }) => ({ version, resources: [...kinds].sort(byName).map(resource), freshness: 'Current' })),
})
const byName = (a: Kind, b: Kind): number => (a.plural < b.plural ? -1 : 1)

const resource = (kind: Kind) => ({
  resource: kind.plural,
  responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
  scope: kind.namespaced ? 'Namespaced' : 'Cluster',
  singularResource: kind.singular,
  verbs: kind.verbs,
  ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
  ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  ...(kind.subresources.length > 0
    ? { subresources: [...kind.subresources].sort((a, b) => (a.name < b.name ? -1 : 1)).map((part) => subresource(kind, part)) }
    : {}),
})

const subresource = (kind: Kind, part: Kind['subresources'][number]) => ({
  subresource: part.name,
  responseKind: { group: part.group ?? kind.group, version: part.version ?? kind.version, kind: part.kind },
  verbs: part.verbs,
})
