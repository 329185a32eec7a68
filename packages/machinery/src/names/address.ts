import { isIPv4, isIPv6 } from 'node:net'
import type { Complaints } from './syntax.ts'

const none: readonly string[] = []
const wrongIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const wrongCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

export type IpFamily = 4 | 6

// Kubernetes reads addresses as Go before 1.17 did: leading zeros are allowed and decimal. A zone is refused.
const withoutLeadingZeros = (text: string): string => text.replace(/(^|[.:])0+(?=\d+(?:\.|$))/g, '$1')

/** The family of an address as Kubernetes' fields take it; undefined where it is none. A mapped IPv4 address is of family 4. */
export const ipFamilyOf = (text: string): IpFamily | undefined => {
  if (isIPv4(text)) return 4
  if (text.includes('%')) return undefined
  const plain = text.includes('.') ? withoutLeadingZeros(text) : text
  if (isIPv4(plain)) return 4
  if (!isIPv6(plain)) return undefined
  return ipv6Bits(plain) >> 32n === 0xffffn ? 4 : 6
}

export const isIp = (text: string): Complaints => (ipFamilyOf(text) === undefined ? [wrongIp] : none)
export const isIpv4Address = (text: string): Complaints => (ipFamilyOf(text) === 4 ? none : ['must be a valid IPv4 address'])
export const isIpv6Address = (text: string): Complaints => (ipFamilyOf(text) === 6 ? none : ['must be a valid IPv6 address'])

/** Strict as new kinds want it: canonical, not mapped. */
export const isCanonicalIp = (text: string): Complaints => {
  const family = ipFamilyOf(text)
  if (family === undefined) return [wrongIp]
  if (isIPv6(text) && family === 4) return ['must not be an IPv4-mapped IPv6 address']
  const canonical = canonicalIp(text)
  if (canonical === text) return none
  return family === 4 ? ['must not have leading 0s'] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** A prefix as Kubernetes' fields take it. */
export interface Cidr {
  readonly family: IpFamily
  readonly bits: bigint
  readonly prefixLength: number
}

/** Reads `address/length`; undefined where it is none. The address keeps its bits beyond the prefix. */
export const parseCidr = (text: string): Cidr | undefined => {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const family = match ? ipFamilyOf(match[1] as string) : undefined
  if (!match || family === undefined) return undefined
  const prefixLength = Number(match[2])
  // A mapped address has a prefix of up to 128 bits but stands for the last 32 of them.
  if (prefixLength > (family === 4 && !(match[1] as string).includes(':') ? 32 : 128)) return undefined
  return { family, bits: ipBits(match[1] as string), prefixLength }
}

export const isCidr = (text: string): Complaints => (parseCidr(text) ? none : [wrongCidr])

/** Strict as new kinds want it: canonical, without bits that the prefix does not hold. */
export const isCanonicalCidr = (text: string): Complaints => {
  const parsed = parseCidr(text)
  if (!parsed) return [wrongCidr]
  const [address, length] = text.split('/') as [string, string]
  const mapped = parsed.family === 4 && address.includes(':')
  const found: string[] = []
  if ((!isIPv4(address) && !isIPv6(address)) || (length.length > 1 && length.startsWith('0')))
    found.push('must not have leading 0s in IP or prefix length')
  else if (mapped) found.push('must not have an IPv4-mapped IPv6 address')
  const hostBits = BigInt((parsed.family === 4 && !mapped ? 32 : 128) - parsed.prefixLength)
  if (found.length === 0 && (parsed.bits >> hostBits) << hostBits !== parsed.bits)
    found.push('must not have bits set beyond the prefix length')
  if (found.length > 0) return found
  const canonical = `${ipText(parsed.bits, parsed.family)}/${parsed.prefixLength}`
  return canonical === text ? none : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** The address as an integer of 32 or 128 bits. The text must be an address. */
export const ipBits = (text: string): bigint => {
  const plain = text.includes('.') ? withoutLeadingZeros(text) : text
  if (plain.includes(':')) {
    const bits = ipv6Bits(plain)
    return bits >> 32n === 0xffffn ? bits & 0xffffffffn : bits
  }
  return ipv4Bits(plain)
}

const ipv4Bits = (text: string): bigint => BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))

const ipv6Bits = (text: string): bigint => {
  const lastColon = text.lastIndexOf(':')
  const tail = text.includes('.') ? ipv4Bits(text.slice(lastColon + 1)) : undefined
  const hex = tail === undefined ? text : `${text.slice(0, lastColon)}:${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`
  const [head, rest] = hex.split('::') as [string, string | undefined]
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = rest === undefined ? [] : groups(rest)
  const zeros = rest === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(zeros).fill('0'), ...after].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** The address as Go prints it: decimal, or by RFC 5952. The text must be an address. */
export const canonicalIp = (text: string): string => ipText(ipBits(text), ipFamilyOf(text) ?? 4)

/** Prints an address of so many bits. */
export const ipText = (bits: bigint, family: IpFamily): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bits >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const { from, length } = longestZeros(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`
}

const longestZeros = (groups: readonly string[]): { from: number; length: number } => {
  let best = { from: 0, length: 0 }
  for (let from = 0; from < groups.length; from++) {
    let length = 0
    while (groups[from + length] === '0') length++
    if (length > best.length) best = { from, length }
  }
  return best
}

/** Whether an address lies in a prefix of its own family. */
export const cidrContains = (cidr: Cidr, address: string): boolean => {
  if (ipFamilyOf(address) !== cidr.family) return false
  const shift = BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefixLength)
  return ipBits(address) >> shift === cidr.bits >> shift
}
