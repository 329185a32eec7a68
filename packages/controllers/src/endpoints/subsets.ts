import type { EndpointAddress, EndpointSubset } from '@skiff/api'
import { canonical } from '../same.ts'

/** One address with one port (none for headless Services without ports), as found pod by pod. */
export interface Found {
  readonly address: EndpointAddress
  readonly port: CorePort | undefined
  readonly ready: boolean
}
export type CorePort = NonNullable<EndpointSubset['ports']>[number]

const addressKey = (address: EndpointAddress): string => `${address.ip}|${address.targetRef?.uid ?? ''}`
const byKey = (a: EndpointAddress, b: EndpointAddress): number => (addressKey(a) < addressKey(b) ? -1 : 1)

/**
 * Upstream's RepackSubsets: ports that have the very same addresses share a subset, and an address that is ready and not ready for
 * one port is not ready. Order is by value, so equal findings give equal subsets.
 */
export const packSubsets = (found: readonly Found[]): EndpointSubset[] => {
  const ports = new Map<string, { readonly port: CorePort | undefined; readonly addresses: Map<string, Found> }>()
  for (const one of found) {
    const id = canonical(one.port ?? {})
    const entry = ports.get(id) ?? { port: one.port, addresses: new Map<string, Found>() }
    ports.set(id, entry)
    const held = entry.addresses.get(addressKey(one.address))
    if (!held || held.ready) entry.addresses.set(addressKey(one.address), one)
  }
  const subsets = new Map<string, { readonly addresses: readonly Found[]; readonly ports: CorePort[] }>()
  for (const { port, addresses } of [...ports.values()]) {
    const id = [...addresses]
      .map(([key, { ready }]) => `${key}|${ready}`)
      .sort()
      .join()
    const entry = subsets.get(id) ?? { addresses: [...addresses.values()], ports: [] }
    subsets.set(id, entry)
    if (port) entry.ports.push(port)
  }
  return [...subsets.values()].map(toSubset).sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

const toSubset = ({ addresses, ports }: { readonly addresses: readonly Found[]; readonly ports: readonly CorePort[] }): EndpointSubset => {
  const of = (ready: boolean) =>
    addresses
      .filter((one) => one.ready === ready)
      .map((one) => one.address)
      .sort(byKey)
  const [addressesReady, notReady] = [of(true), of(false)]
  return {
    ...(addressesReady.length ? { addresses: addressesReady } : {}),
    ...(notReady.length ? { notReadyAddresses: notReady } : {}),
    ...(ports.length ? { ports: [...ports].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1)) } : {}),
  } as EndpointSubset
}

/** Endpoints hold at most `most` addresses; ready ones are kept before others. Undefined when there are no more. */
export const truncated = (subsets: readonly EndpointSubset[], most: number): EndpointSubset[] | undefined => {
  const count = (pick: (subset: EndpointSubset) => number) => subsets.reduce((total, subset) => total + pick(subset), 0)
  const ready = count((subset) => subset.addresses?.length ?? 0)
  const notReady = count((subset) => subset.notReadyAddresses?.length ?? 0)
  if (ready + notReady <= most) return undefined
  let readyLeft = Math.min(ready, most)
  let notReadyLeft = most - readyLeft
  return subsets
    .map(({ addresses = [], notReadyAddresses = [], ports }) => {
      const keep = addresses.slice(0, readyLeft)
      const keepNotReady = notReadyAddresses.slice(0, notReadyLeft)
      readyLeft -= keep.length
      notReadyLeft -= keepNotReady.length
      return {
        ...(keep.length ? { addresses: keep } : {}),
        ...(keepNotReady.length ? { notReadyAddresses: keepNotReady } : {}),
        ...(ports ? { ports } : {}),
      } as EndpointSubset
    })
    .filter((subset) => subset.addresses || subset.notReadyAddresses)
}
