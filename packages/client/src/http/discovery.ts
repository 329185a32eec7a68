import type { Resource } from '@skiff/api'
import { isRefusal, joinApiVersion, splitApiVersion } from '@skiff/machinery'
import type { HttpConnection } from './over-http.ts'

/** A resource as discovery tells of it. */
export interface ServedResource extends Resource {
  readonly apiVersion: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  readonly subresources: readonly string[]
  /** The group's preferred version is this one. */
  readonly preferred: boolean
}

/** All that a server serves, groups and versions in its order of preference. */
export interface Discovered {
  readonly resources: readonly ServedResource[]
  /** `apps/v1`, in the order of /api-versions. */
  readonly versions: readonly string[]
}

interface AggregatedList {
  readonly kind?: string
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string }
    readonly versions?: readonly { readonly version: string; readonly resources?: readonly AggregatedResource[] }[]
  }[]
}
interface AggregatedResource {
  readonly resource: string
  readonly responseKind?: { readonly kind?: string }
  readonly scope: string
  readonly singularResource?: string
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly subresources?: readonly { readonly subresource: string }[]
}

const aggregated = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',')

/** Asks the server for all that it serves: two requests where it aggregates, one a group version where it does not. */
export const discover = async (http: Pick<HttpConnection, 'raw'>): Promise<Discovered> => {
  const [core, groups] = await Promise.all([ask(http, '/api'), ask(http, '/apis')])
  const parts = await Promise.all([
    core.kind === 'APIGroupDiscoveryList' ? fromAggregated(core) : fromVersions(http, core),
    fromGroups(http, groups),
  ])
  return { resources: parts.flatMap((part) => part.resources), versions: parts.flatMap((part) => part.versions) }
}

const ask = async (http: Pick<HttpConnection, 'raw'>, path: string): Promise<AggregatedList> =>
  ((await http.raw('GET', path, { accept: aggregated })).object ?? {}) as AggregatedList

const fromAggregated = (list: AggregatedList): Discovered => {
  const versions: string[] = []
  const resources = (list.items ?? []).flatMap(({ metadata, versions: served = [] }) =>
    served.flatMap(({ version, resources: found = [] }, i) => {
      const group = metadata?.name ?? ''
      versions.push(joinApiVersion(group, version))
      return found.map(
        (each): ServedResource => ({
          group,
          version,
          apiVersion: joinApiVersion(group, version),
          kind: each.responseKind?.kind ?? '',
          plural: each.resource,
          namespaced: each.scope === 'Namespaced',
          singular: each.singularResource ?? '',
          shortNames: each.shortNames ?? [],
          categories: each.categories ?? [],
          verbs: each.verbs ?? [],
          subresources: (each.subresources ?? []).map(({ subresource }) => subresource),
          preferred: i === 0,
        }),
      )
    }),
  )
  return { resources, versions }
}

interface PlainResource {
  readonly name: string
  readonly singularName?: string
  readonly namespaced: boolean
  readonly kind: string
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

const fromVersions = async (http: Pick<HttpConnection, 'raw'>, list: AggregatedList): Promise<Discovered> => {
  const versions = (list as { versions?: readonly string[] }).versions ?? ['v1']
  const parts = await Promise.all(versions.map((version, i) => fromVersion(http, version, i === 0)))
  return { resources: parts.flat(), versions }
}

const fromGroups = async (http: Pick<HttpConnection, 'raw'>, list: AggregatedList): Promise<Discovered> => {
  if (list.kind === 'APIGroupDiscoveryList') return fromAggregated(list)
  const groups = (list as { groups?: { versions: { groupVersion: string }[]; preferredVersion?: { groupVersion: string } }[] }).groups ?? []
  const all = groups.flatMap(({ versions, preferredVersion }) =>
    versions.map(({ groupVersion }) => ({ groupVersion, preferred: groupVersion === preferredVersion?.groupVersion })),
  )
  const parts = await Promise.all(all.map(({ groupVersion, preferred }) => fromVersion(http, groupVersion, preferred)))
  return { resources: parts.flat(), versions: all.map(({ groupVersion }) => groupVersion) }
}

/** One group version's list. A broken aggregated API gives nothing rather than an error. */
const fromVersion = async (http: Pick<HttpConnection, 'raw'>, apiVersion: string, preferred: boolean): Promise<ServedResource[]> => {
  const { group, version } = splitApiVersion(apiVersion)
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const reply = await http.raw('GET', path).catch((error) => {
    if (isRefusal(error)) return { object: {} }
    throw error
  })
  const all = ((reply.object as { resources?: readonly PlainResource[] }).resources ?? []) as readonly PlainResource[]
  return all
    .filter(({ name }) => !name.includes('/'))
    .map((each) => ({
      group,
      version,
      apiVersion,
      kind: each.kind,
      plural: each.name,
      namespaced: each.namespaced,
      singular: each.singularName || each.kind.toLowerCase(),
      shortNames: each.shortNames ?? [],
      categories: each.categories ?? [],
      verbs: each.verbs ?? [],
      subresources: all.filter(({ name }) => name.startsWith(`${each.name}/`)).map(({ name }) => name.slice(each.name.length + 1)),
      preferred,
    }))
}
