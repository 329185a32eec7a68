import { invalidValue, ipBits, ipFamilyOf, isCidr, isIp, parseCidr } from '@skiff/machinery'
import { isOn } from '../features/scope.ts'
import { addInvalid, type Faults } from './faults.ts'

/** 4, 6, or 0 for what is no address. */
export const ipFamily = (text: string): 0 | 4 | 6 => ipFamilyOf(text) ?? 0
/** 4, 6, or 0 for what is no address with a prefix length. */
export const cidrFamily = (text: string): 0 | 4 | 6 => parseCidr(text)?.family ?? 0

export const checkIp = (faults: Faults, text: string, path: string): void => {
  const wrong = isIp(text)
  addInvalid(faults, wrong.length > 0 || !isOn('StrictIPCIDRValidation') ? wrong : strictIp(text), text, path)
}
export const checkCidr = (faults: Faults, text: string, path: string): void => {
  const wrong = isCidr(text)
  addInvalid(faults, wrong.length > 0 || !isOn('StrictIPCIDRValidation') ? wrong : strictCidr(text), text, path)
}

const leadingZero = /(?:^|\.)0\d/
const mapped = /^::ffff:/i

/** Forms that were read for long and mean something else to other readers. */
const strictIp = (text: string): readonly string[] => {
  if (leadingZero.test(text.replace(/^.*:/, ''))) return ['must not have leading 0s']
  return mapped.test(text) ? ['must not be an IPv4-mapped IPv6 address'] : []
}
const strictCidr = (text: string): readonly string[] => {
  const [address = '', length = ''] = text.split('/')
  if (leadingZero.test(address.replace(/^.*:/, '')) || /^0\d/.test(length)) return ['must not have leading 0s in IP or prefix length']
  if (mapped.test(address)) return ['must not have an IPv4-mapped IPv6 address']
  const rest = BigInt((ipFamily(address) === 4 ? 32 : 128) - Number(length))
  return ipBits(address) & ((1n << rest) - 1n) ? ['must not have bits set beyond the prefix length'] : []
}

/** One address of each family. */
export const isDualStack = (families: readonly (0 | 4 | 6)[]): boolean => families.includes(4) && families.includes(6)

interface Range {
  readonly family: 4 | 6
  readonly bits: bigint
  readonly length: number
}
const range = (text: string, length: number): Range => ({ family: ipFamily(text) as 4 | 6, bits: ipBits(text), length })
const contains = ({ family, bits, length }: Range, family2: 4 | 6, address: bigint): boolean => {
  const rest = BigInt((family === 4 ? 32 : 128) - length)
  return family === family2 && bits >> rest === address >> rest
}

/** Addresses that stand for no host that others can reach. */
const special: readonly { readonly ranges: readonly Range[]; readonly text: (address: string) => string }[] = [
  { ranges: [range('0.0.0.0', 32), range('::', 128)], text: (address) => `may not be unspecified (${address})` },
  { ranges: [range('127.0.0.0', 8), range('::1', 128)], text: () => 'may not be in the loopback range (127.0.0.0/8, ::1/128)' },
  { ranges: [range('169.254.0.0', 16), range('fe80::', 10)], text: () => 'may not be in the link-local range (169.254.0.0/16, fe80::/10)' },
  {
    ranges: [range('224.0.0.0', 24), ...Array.from({ length: 16 }, (_, flags) => range(`ff${flags.toString(16)}2::`, 16))],
    text: () => 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
  },
]

export const checkReachableIp = (faults: Faults, text: string, path: string): void => {
  const family = ipFamily(text)
  if (family === 0) {
    faults.push(invalidValue(path, text, 'must be a valid IP address'))
    return
  }
  const bits = ipBits(text)
  for (const { ranges, text: say } of special)
    if (ranges.some((each) => contains(each, family, bits))) faults.push(invalidValue(path, text, say(text)))
}
