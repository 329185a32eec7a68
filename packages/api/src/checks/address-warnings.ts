import { isIPv4, isIPv6 } from 'node:net'
import { canonicalIp, ipFamilyOf, ipText, parseCidr } from '@skiff/machinery'

/** Written as all readers agree on: no leading zeros, no IPv4 address in the form of an IPv6 one. */
const isStandard = (text: string): boolean => isIPv4(text) || (isIPv6(text) && ipFamilyOf(text) === 6)
const future = 'will be considered invalid in a future Kubernetes release'

/** What a write is warned of for an address that is valid, but not written as it should be. */
export const ipWarnings = (path: string, text: string): readonly string[] => {
  if (ipFamilyOf(text) === undefined) return []
  const canonical = canonicalIp(text)
  if (!isStandard(text)) return [`${path}: non-standard IP address ${JSON.stringify(text)} ${future}: use ${JSON.stringify(canonical)}`]
  if (canonical === text) return []
  return [`${path}: IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`]
}

/** The same for a range of addresses; also where bits are set that the prefix does not hold. */
export const cidrWarnings = (path: string, text: string): readonly string[] => {
  const parsed = parseCidr(text)
  if (!parsed) return []
  const address = text.slice(0, text.indexOf('/'))
  const mapped = parsed.family === 4 && address.includes(':')
  const length = mapped ? Math.max(0, parsed.prefixLength - 96) : parsed.prefixLength
  const width = parsed.family === 4 ? 32 : 128
  const hostBits = BigInt(width - length)
  const network = (parsed.bits >> hostBits) << hostBits
  const shown = JSON.stringify(`${ipText(network, parsed.family)}/${length}`)
  const found: string[] = []
  if (network !== parsed.bits)
    found.push(
      `${path}: CIDR value ${JSON.stringify(text)} is ambiguous in this context (should be ${shown} or ${JSON.stringify(`${canonicalIp(address)}/${width}`)}?)`,
    )
  if (!isStandard(address) || String(Number(text.slice(text.indexOf('/') + 1))) !== text.slice(text.indexOf('/') + 1))
    found.push(`${path}: non-standard CIDR value ${JSON.stringify(text)} ${future}: use ${shown}`)
  if (found.length === 0 && parsed.family === 6 && JSON.stringify(text) !== shown)
    found.push(`${path}: IPv6 CIDR value ${JSON.stringify(text)} should be in RFC 5952 canonical format (${shown})`)
  return found
}
