import { isIPv4, isIPv6 } from 'node:net'
import { type CelAddress, CelError, type CelFunction, type CelValue, isAddress, isTagged, noOverload } from './value.ts'

const groupsOf = (text: string): readonly number[] => {
  const [head = '', tail] = text.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const before = read(head)
  const after = tail === undefined ? [] : read(tail)
  return tail === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill(0), ...after]
}

const ipFrom = (text: CelValue | undefined): CelAddress => {
  if (typeof text !== 'string') return noOverload()
  if (isIPv4(text)) {
    const value = text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
    return { is: 'ip', family: 4, value, bits: 32, text }
  }
  if (isIPv6(text) && !text.includes('%') && !text.includes('.')) {
    const value = groupsOf(text).reduce((sum, group) => sum * 65536n + BigInt(group), 0n)
    return { is: 'ip', family: 6, value, bits: 128, text: canonical6(value) }
  }
  throw new CelError(
    `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
  )
}

const canonical6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16))
  const zeros = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0]?.[0]
  if (!zeros) return groups.join(':')
  const [before = '', after = ''] = groups.join(':').split(zeros, 2)
  return `${before}::${after.replace(/^:/, '')}`
}

const cidrFrom = (text: CelValue | undefined): CelAddress => {
  if (typeof text !== 'string') return noOverload()
  const [address = '', length = ''] = text.split('/')
  const ip = holds(() => ipFrom(address)) ? ipFrom(address) : undefined
  if (!ip || !/^\d{1,3}$/.test(length) || Number(length) > ip.bits)
    throw new CelError(
      `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): unable to parse`,
    )
  return { ...ip, is: 'cidr', bits: Number(length), text }
}

const holds = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

const widthOf = (address: CelAddress): number => (address.family === 4 ? 32 : 128)
const networkOf = (address: CelAddress, bits: number): bigint => {
  const host = BigInt(widthOf(address) - bits)
  return (address.value >> host) << host
}
const address = (value: CelValue | undefined): CelAddress => (isAddress(value as CelValue) ? (value as CelAddress) : noOverload())

const inside = (network: CelAddress, ip: CelAddress): boolean =>
  network.family === ip.family && networkOf(ip, network.bits) === networkOf(network, network.bits)

const within =
  (four: readonly string[], six: readonly string[]): CelFunction =>
  ([value]) => {
    const ip = address(value)
    return (ip.family === 4 ? four : six).some((text) => inside(cidrFrom(text), ip))
  }

export const networkFunctions: Readonly<Record<string, CelFunction>> = {
  ip: ([value]) => {
    if (!isTagged(value as CelValue, 'cidr')) return ipFrom(value)
    const network = address(value)
    return { ...network, is: 'ip', bits: widthOf(network), text: network.text.split('/')[0] as string }
  },
  isIP: ([value]) => holds(() => ipFrom(value)),
  'ip.isCanonical': ([value]) => ipFrom(value).text === value,
  cidr: ([value]) => cidrFrom(value),
  isCIDR: ([value]) => holds(() => cidrFrom(value)),
  family: ([value]) => BigInt(address(value).family),
  isUnspecified: within(['0.0.0.0/32'], ['::/128']),
  isLoopback: within(['127.0.0.0/8'], ['::1/128']),
  isLinkLocalMulticast: within(['224.0.0.0/24'], ['ff02::/16']),
  isLinkLocalUnicast: within(['169.254.0.0/16'], ['fe80::/10']),
  isGlobalUnicast: ([value]) => {
    const no = ['isUnspecified', 'isLoopback', 'isLinkLocalUnicast'].some(
      (name) => networkFunctions[name]?.([value as CelValue], true) === true,
    )
    return !no && within(['224.0.0.0/4', '255.255.255.255/32'], ['ff00::/8'])([value as CelValue], true) === false
  },
  containsIP: ([network, ip]) => inside(address(network), typeof ip === 'string' ? ipFrom(ip) : address(ip)),
  containsCIDR: ([network, other]) => {
    const inner = typeof other === 'string' ? cidrFrom(other) : address(other)
    return inner.bits >= address(network).bits && inside(address(network), inner)
  },
  prefixLength: ([value]) => BigInt(address(value).bits),
  masked: ([value]) => {
    const network = address(value)
    const masked = networkOf(network, network.bits)
    const text = network.family === 4 ? [24n, 16n, 8n, 0n].map((shift) => (masked >> shift) & 255n).join('.') : canonical6(masked)
    return { ...network, value: masked, text: `${text}/${network.bits}` }
  },
}
