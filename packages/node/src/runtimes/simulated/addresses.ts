/** Hands out the addresses of an IPv4 range in turn; one that was freed waits until the others have been used. */
export interface Addresses {
  readonly cidr: string
  /** Undefined when all are in use. */
  take(): string | undefined
  free(address: string): void
}

export const createAddresses = (cidr: string): Addresses => {
  const [base = '', bits = '24'] = cidr.split('/')
  const network = toNumber(base)
  const size = 2 ** (32 - Number(bits))
  const used = new Set<number>()
  // The first is the network's own, the second its gateway's, the last the broadcast's.
  let next = 2
  return {
    cidr,
    take: () => {
      for (let tried = 0; tried < size - 3; tried += 1) {
        const at = next
        next = next + 1 >= size - 1 ? 2 : next + 1
        if (used.has(at)) continue
        used.add(at)
        return toText(network + at)
      }
      return undefined
    },
    free: (address) => {
      used.delete(toNumber(address) - network)
    },
  }
}

const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const toText = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')
