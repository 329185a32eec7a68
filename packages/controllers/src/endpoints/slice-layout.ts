import type { Endpoint, EndpointSlice } from '@skiff/api'
import { same } from '../same.ts'

/** What becomes of the slices of one set of ports: which change, which are no longer needed, and what needs new ones. */
export interface Layout {
  readonly changed: readonly EndpointSlice[]
  readonly emptied: readonly EndpointSlice[]
  /** Each becomes a new slice. */
  readonly added: readonly (readonly Endpoint[])[]
}

const identity = (endpoint: Endpoint): string => `${endpoint.targetRef?.uid ?? ''}|${endpoint.hostname ?? ''}|${endpoint.addresses.join()}`

/**
 * Places endpoints so that few slices are written: what stays in its slice stays there; what is new fills slices that are written
 * anyway, the fullest first; then one more slice that just has room for the rest; then new ones. Slices are never merged or balanced.
 */
export const layOut = (
  held: readonly EndpointSlice[],
  wanted: readonly Endpoint[],
  most: number,
  relabel: (slice: EndpointSlice) => EndpointSlice,
): Layout => {
  const missing = new Map(wanted.map((endpoint) => [identity(endpoint), endpoint]))
  const written: { readonly slice: EndpointSlice; readonly endpoints: Endpoint[] }[] = []
  const untouched: EndpointSlice[] = []
  const emptied: EndpointSlice[] = []
  for (const slice of held) {
    const kept: Endpoint[] = []
    let differs = false
    for (const endpoint of slice.endpoints ?? []) {
      const next = missing.get(identity(endpoint))
      if (!next) continue
      kept.push(next)
      differs ||= !same(next, endpoint)
      missing.delete(identity(endpoint))
    }
    const shrank = kept.length !== (slice.endpoints ?? []).length
    if (shrank && kept.length === 0) emptied.push(slice)
    else if (shrank || differs || relabel(slice) !== slice) written.push({ slice, endpoints: kept })
    else untouched.push(slice)
  }
  const rest = [...missing.values()]
  written.sort((a, b) => b.endpoints.length - a.endpoints.length)
  for (const { endpoints } of written) endpoints.push(...rest.splice(0, Math.max(0, most - endpoints.length)))
  const added: Endpoint[][] = []
  while (rest.length > 0) {
    const host = rest.length < most ? closestFit(untouched, rest.length, most) : undefined
    if (host) {
      untouched.splice(untouched.indexOf(host), 1)
      written.push({ slice: host, endpoints: [...(host.endpoints ?? []), ...rest.splice(0)] })
    } else added.push(rest.splice(0, most))
  }
  const changed = written.map(({ slice, endpoints }) => ({ ...relabel(slice), endpoints }))
  return { changed, emptied, added }
}

/** The slice that `count` more endpoints fill best. */
const closestFit = (slices: readonly EndpointSlice[], count: number, most: number): EndpointSlice | undefined => {
  const room = (slice: EndpointSlice) => most - (slice.endpoints ?? []).length - count
  return slices.filter((slice) => room(slice) >= 0 && room(slice) < most).sort((a, b) => room(a) - room(b))[0]
}
