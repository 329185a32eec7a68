import { keyOf } from '@skiff/machinery'
import { type EndpointSliceObject, serviceOfSlice } from './objects.ts'
import type { Watched } from './watched.ts'

export interface SliceIndex {
  /** Takes note of a change of the slice under `key`; the services that it concerns. */
  update(key: string): string[]
  of(service: string): readonly EndpointSliceObject[]
}

/** Slices by service. A slice that changes its label dirties both services. */
export const indexSlices = (slices: Watched<EndpointSliceObject>): SliceIndex => {
  const byService = new Map<string, Map<string, EndpointSliceObject>>()
  const serviceOf = new Map<string, string>()
  const put = (key: string, slice: EndpointSliceObject | undefined): string[] => {
    const before = serviceOf.get(key)
    const after = slice === undefined ? undefined : serviceOfSlice(slice)
    if (before !== undefined && before !== after) {
      const left = byService.get(before)
      left?.delete(key)
      if (left?.size === 0) byService.delete(before)
      serviceOf.delete(key)
    }
    if (slice !== undefined && after !== undefined) {
      const group = byService.get(after) ?? new Map<string, EndpointSliceObject>()
      byService.set(after, group.set(key, slice))
      serviceOf.set(key, after)
    }
    return [before, after].filter((one) => one !== undefined)
  }
  for (const slice of slices.list()) put(keyOf(slice), slice)
  return {
    update: (key: string) => put(key, slices.get(key)),
    of: (service: string) => [...(byService.get(service)?.values() ?? [])],
  }
}
