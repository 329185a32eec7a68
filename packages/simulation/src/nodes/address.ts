/** An IPv4 address as a number, and back. */
export const parseIp = (text: string): number => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
export const ipText = (ip: number): string => `${(ip >>> 24) & 255}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`

/** Of a cluster that exists nowhere: node addresses and, a range a node, pod addresses. */
const nodeBase = parseIp('100.64.0.0')
const nodeCount = 2 ** 22
const podBase = parseIp('10.128.0.0')
const podCount = 2 ** 23

/** How many addresses a node's pods have: a power of two with room for `pods` and the three that no pod gets. */
export const rangeSizeFor = (pods: number): number => 2 ** Math.max(8, Math.ceil(Math.log2(pods + 3)))

/** Addresses of the node in this place, from 0. Throws when there are no more. */
export const addressesAt = (place: number, rangeSize: number): { readonly address: string; readonly podCidr: string } => {
  if (place + 1 >= nodeCount || (place + 1) * rangeSize > podCount)
    throw new Error(`there are addresses for ${Math.floor(podCount / rangeSize)} simulated nodes and no more`)
  return {
    address: ipText(nodeBase + place + 1),
    podCidr: `${ipText(podBase + place * rangeSize)}/${32 - Math.log2(rangeSize)}`,
  }
}

/** The place whose pod range starts where this one does; undefined for a range from elsewhere. */
export const placeOf = (podCidr: string, rangeSize: number): number | undefined => {
  const place = (parseIp(podCidr.split('/')[0] as string) - podBase) / rangeSize
  return Number.isInteger(place) && place >= 0 && place * rangeSize < podCount ? place : undefined
}

/** The addresses of one node's pods. */
export interface PodAddresses {
  /** The lowest that is free. Undefined when none is. */
  take(): string | undefined
  /** Says that an address is in use. What lies outside of the range is passed over. */
  hold(ip: string): void
  release(ip: string): void
}

export const createPodAddresses = (cidr: string): PodAddresses => {
  const [base = '', bits = '24'] = cidr.split('/')
  const first = parseIp(base)
  const size = 2 ** (32 - Number(bits))
  const used = new Uint8Array(Math.ceil(size / 8))
  const isUsed = (at: number): boolean => ((used[at >> 3] as number) & (1 << (at & 7))) !== 0
  const set = (at: number, value: boolean): void => {
    if (value) used[at >> 3] = (used[at >> 3] as number) | (1 << (at & 7))
    else used[at >> 3] = (used[at >> 3] as number) & ~(1 << (at & 7))
  }
  const inRange = (at: number): boolean => at > 1 && at < size - 1
  // Where the last one was found: a new pod does not get the address of one that has just gone.
  let cursor = 1
  return {
    take: () => {
      for (let tries = 0; tries < size; tries += 1) {
        cursor = (cursor + 1) % size
        if (!inRange(cursor) || isUsed(cursor)) continue
        set(cursor, true)
        return ipText(first + cursor)
      }
      return undefined
    },
    hold: (ip) => {
      const at = parseIp(ip) - first
      if (inRange(at)) set(at, true)
    },
    release: (ip) => {
      const at = parseIp(ip) - first
      if (inRange(at)) set(at, false)
    },
  }
}
