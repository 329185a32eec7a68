import type { Kind } from '@skiff/api'
import type { Registry } from './registry/registry.ts'

/** What discovery tells of. */
export type Discovered = Pick<Registry, 'all' | 'subscribe'>

/** Upstream's order of groups in discovery: by the priority that its aggregator gives them. */
const groupOrder = [
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'extensions',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
]

export interface GroupVersions {
  readonly group: string
  readonly versions: readonly { readonly version: string; readonly kinds: readonly Kind[] }[]
  readonly preferred: string
}

const versionRank = (version: string): [number, number, number] => {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return [-1, 0, 0]
  return [match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0, Number(match[1]), Number(match[3] ?? 0)]
}
/** Kubernetes' order of versions: stable before beta before alpha, newer first. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [versionRank(a), versionRank(b)]
  for (let at = 0; at < 3; at++) if (left[at] !== right[at]) return (right[at] as number) - (left[at] as number)
  return a < b ? -1 : a > b ? 1 : 0
}

/** All groups but the core one, in discovery's order, custom ones by name at the end. */
export const groupsOf = (registry: Pick<Registry, 'all'>): readonly GroupVersions[] => {
  const groups = new Map<string, Map<string, Kind[]>>()
  for (const kind of registry.all()) {
    const versions = groups.get(kind.group) ?? new Map<string, Kind[]>()
    groups.set(kind.group, versions)
    versions.set(kind.version, [...(versions.get(kind.version) ?? []), kind])
  }
  const rank = (group: string) => (groupOrder.indexOf(group) < 0 ? groupOrder.length : groupOrder.indexOf(group))
  return [...groups]
    .map(([group, versions]) => {
      const sorted = [...versions].sort(([a], [b]) => compareVersions(a, b)).map(([version, kinds]) => ({ version, kinds }))
      const preferred = sorted.find(({ kinds }) => kinds.some((kind) => kind.preferred))?.version ?? sorted[0]?.version ?? ''
      return { group, versions: sorted, preferred }
    })
    .sort((a, b) => rank(a.group) - rank(b.group) || (a.group < b.group ? -1 : 1))
}

const groupEntry = ({ group, versions, preferred }: GroupVersions) => ({
  name: group,
  versions: versions.map(({ version }) => ({ groupVersion: `${group}/${version}`, version })),
  preferredVersion: { groupVersion: `${group}/${preferred}`, version: preferred },
})

export const apiVersions = (address: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
})

export const apiGroupList = (registry: Pick<Registry, 'all'>) => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupsOf(registry)
    .filter(({ group }) => group !== '')
    .map(groupEntry),
})

export const apiGroup = (registry: Pick<Registry, 'all'>, group: string) => {
  const found = groupsOf(registry).find((each) => each.group === group)
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(found) }
}

/** The resources of a group version with their subresources, as clients older than aggregated discovery read them. */
export const apiResourceList = (registry: Pick<Registry, 'all'>, group: string, version: string) => {
  const kinds = registry.all().filter((kind) => kind.group === group && kind.version === version)
  if (kinds.length === 0) return undefined
  // Built-in kinds come by the names of their paths; of custom ones, the parts stand behind each kind as they are served: status, scale.
  const resources = kinds
    .filter((kind) => !kind.custom)
    .flatMap((kind) => [resourceEntry(kind), ...kind.subresources.map((part) => subresourceEntry(kind, part))])
    .sort(byName)
  const custom = kinds
    .filter((kind) => kind.custom)
    .sort((a, b) => (a.plural < b.plural ? -1 : 1))
    .flatMap((kind) => [resourceEntry(kind), ...[...kind.subresources].sort(byNameReversed).map((part) => subresourceEntry(kind, part))])
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: [...resources, ...custom],
  }
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)
const byNameReversed = (a: { name: string }, b: { name: string }): number => byName(b, a)

const resourceEntry = (kind: Kind) => ({
  name: kind.plural,
  singularName: kind.singular,
  namespaced: kind.namespaced,
  kind: kind.kind,
  verbs: kind.verbs,
  ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
  ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  ...(kind.storageVersionHash ? { storageVersionHash: kind.storageVersionHash } : {}),
})

const subresourceEntry = (kind: Kind, part: Kind['subresources'][number]) => ({
  name: `${kind.plural}/${part.name}`,
  singularName: '',
  namespaced: kind.namespaced,
  ...(part.group !== undefined ? { group: part.group, version: part.version ?? '' } : {}),
  kind: part.kind,
  verbs: part.verbs,
})
