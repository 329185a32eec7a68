import type { Kind } from '@skiff/api'

interface GivenResource {
  readonly name?: string
  readonly singularName?: string
  readonly namespaced?: boolean
  readonly kind?: string
  readonly group?: string
  readonly version?: string
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
}

/** What discovery shows of a backend's resources, from its APIResourceList. */
export const kindsOf = (group: string, version: string, list: unknown): readonly Kind[] => {
  const given = (list as { readonly resources?: readonly GivenResource[] } | null)?.resources ?? []
  const parts = given.filter(({ name = '' }) => name.includes('/'))
  return given
    .filter(({ name = '' }) => name !== '' && !name.includes('/'))
    .map(
      ({ name: plural = '', singularName = '', namespaced = false, kind = '', verbs = [], shortNames = [], categories = [] }) =>
        ({
          group,
          version,
          apiVersion: `${group}/${version}`,
          kind,
          plural,
          singular: singularName,
          namespaced,
          verbs,
          shortNames,
          categories,
          subresources: parts
            .filter(({ name = '' }) => name.startsWith(`${plural}/`))
            .map((part) => ({
              name: (part.name ?? '').slice(plural.length + 1),
              kind: part.kind ?? '',
              verbs: part.verbs ?? [],
              ...(part.group ? { group: part.group, version: part.version ?? '' } : {}),
            })),
          preferred: false,
          storageVersionHash: '',
        }) as unknown as Kind,
    )
}
