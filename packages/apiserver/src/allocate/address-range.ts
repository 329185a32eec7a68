import { ipBits, ipText, parseCidr } from '@skiff/machinery'
import { type Family, familyOfAddress } from './families.ts'

/** The addresses of one CIDR that Services may have. */
export interface AddressRange {
  readonly cidr: string
  readonly family: Family
  readonly first: bigint
  readonly last: bigint
  /** Addresses from here on are handed out before those below, which are left to who names an address. */
  readonly dynamicFrom: bigint
  /** Undefined for what does not lie in it; neither the network's address nor an IPv4 broadcast address does. */
  contains(bits: bigint, family: Family): boolean
  text(bits: bigint): string
  /** The network's own address: what a dry run shows in place of a free one. */
  readonly network: string
}

const step = 16n
const [fewest, most] = [16n, 256n]
/** Upstream's min(max(16, size/16), 256); a range of less than 16 has no such part. */
const reservedOf = (size: bigint): bigint => {
  if (size < fewest) return 0n
  const part = size / step
  return part < fewest ? fewest : part > most ? most : part
}

/** Undefined for what is no CIDR, or an IPv6 one of more than 2^64 addresses. */
export const addressRangeOf = (cidr: string): AddressRange | undefined => {
  const parsed = parseCidr(cidr)
  if (!parsed) return undefined
  const family = familyOfAddress(cidr.slice(0, cidr.indexOf('/')))
  const hostBits = BigInt((parsed.family === 4 ? 32 : 128) - parsed.prefixLength)
  if (hostBits > 64n) return undefined
  const base = (parsed.bits >> hostBits) << hostBits
  const first = base + 1n
  const last = base + (1n << hostBits) - (parsed.family === 4 ? 2n : 1n)
  const text = (bits: bigint): string => ipText(bits, parsed.family)
  return {
    cidr,
    family,
    first,
    last,
    dynamicFrom: first + reservedOf(last - first + 1n),
    contains: (bits, of) => of === family && bits >= first && bits <= last,
    text,
    network: text(base),
  }
}

/** The API server's own address: the first of the range. */
export const firstAddress = (cidr: string): string => {
  const range = addressRangeOf(cidr)
  if (!range) throw new Error(`${cidr} is no range of addresses for services`)
  return range.text(range.first)
}

export const isWithin = (range: AddressRange, address: string): boolean => range.contains(ipBits(address), familyOfAddress(address))
