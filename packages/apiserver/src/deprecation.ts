import type { Kind } from '@skiff/api'

/** Served kinds that upstream has given up, by `apiVersion kind`, with what it says to every request that touches them. */
const deprecated: ReadonlyMap<string, string> = new Map([
  ['v1 ComponentStatus', 'v1 ComponentStatus is deprecated in v1.19+'],
  ['v1 Endpoints', 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
])

/** What a request for this kind is warned of, whatever its verb. A list of its own, for more to be added. */
export const deprecationsOf = ({ apiVersion, kind, deprecation }: Pick<Kind, 'apiVersion' | 'kind' | 'deprecation'>): string[] => {
  const text = deprecation ?? deprecated.get(`${apiVersion} ${kind}`)
  return text === undefined ? [] : [text]
}
