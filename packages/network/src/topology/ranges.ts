import { isIPv4 } from 'node:net'

/** A range of IPv4 addresses, `address/bits`. */
export type Cidr = string

/** What one cluster occupies. */
export interface Ranges {
  readonly pods: Cidr
  readonly services: Cidr
  /** The addresses of the nodes themselves, on the bridge that links them. */
  readonly links: Cidr
}

/** In order of preference; the first of each is what people expect to see. */
const CANDIDATES: { readonly [K in keyof Ranges]: readonly Cidr[] } = {
  pods: [
    ...numbers(244, 255).map((n) => `10.${n}.0.0/16`),
    ...numbers(160, 180).map((n) => `10.${n}.0.0/16`),
    '172.30.0.0/16',
    '172.29.0.0/16',
  ],
  services: [
    ...numbers(96, 111).map((n) => `10.${n}.0.0/16`),
    ...numbers(181, 195).map((n) => `10.${n}.0.0/16`),
    '172.28.0.0/16',
    '172.27.0.0/16',
  ],
  links: [...numbers(0, 255).map((n) => `10.200.${n}.0/24`), ...numbers(0, 255).map((n) => `172.26.${n}.0/24`)],
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

/**
 * Ranges that meet none of `taken`, the machine's own routes and addresses; those that the user wants are kept as they are. Where a
 * wide route (a VPN's 10.0.0.0/8) leaves nothing, a range inside it is taken: the longer prefix wins on this machine. Throws when
 * nothing is left, or when a wanted range is not one or meets another of the cluster.
 */
export const chooseRanges = (taken: readonly Cidr[], wanted: Partial<Ranges> = {}): Ranges => {
  for (const range of Object.values(wanted))
    if (range !== undefined && parse(range) === undefined) throw new Error(`${range} is not a range of IPv4 addresses`)
  const own = Object.values(wanted).filter((range) => range !== undefined)
  const pick = (kind: keyof Ranges): Cidr => {
    const asked = wanted[kind]
    if (asked !== undefined) return asked
    const free = CANDIDATES[kind].filter((range) => !own.some((one) => overlap(one, range)))
    const chosen =
      free.find((range) => !taken.some((one) => overlap(one, range))) ?? free.find((range) => !taken.some((one) => narrower(one, range)))
    if (chosen === undefined) throw new Error(`no free range of addresses for ${kind}: name one that this machine does not use`)
    own.push(chosen)
    return chosen
  }
  const ranges = { links: pick('links'), pods: pick('pods'), services: pick('services') }
  const all = Object.entries(ranges)
  for (const [name, range] of all)
    for (const [other, second] of all)
      if (name < other && overlap(range, second)) throw new Error(`${name} ${range} and ${other} ${second} overlap`)
  return ranges
}

/** True when `one` meets `range` without containing all of it: traffic of a route that is as narrow would be taken away. */
const narrower = (one: Cidr, range: Cidr): boolean => overlap(one, range) && bitsOf(one) >= bitsOf(range)

const bitsOf = (range: Cidr): number => parse(range)?.bits ?? 32

export const overlap = (a: Cidr, b: Cidr): boolean => {
  const [one, other] = [parse(a), parse(b)]
  if (one === undefined || other === undefined) return false
  const size = 2 ** (32 - Math.min(one.bits, other.bits))
  return Math.floor(one.base / size) === Math.floor(other.base / size)
}

/** The address at `offset` of a range. */
export const addressAt = (range: Cidr, offset: number): string => text((parse(range)?.base ?? 0) + offset)

/** The `index`th part of `bits` bits; undefined past the end. */
export const part = (range: Cidr, bits: number, index: number): Cidr | undefined => {
  const whole = parse(range)
  if (whole === undefined || index < 0 || index >= 2 ** (bits - whole.bits)) return undefined
  return `${text(whole.base + index * 2 ** (32 - bits))}/${bits}`
}

const text = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')

/** A bare address is a range of one. The base is that of the network, whatever host bits are given. */
const parse = (range: Cidr): { base: number; bits: number } | undefined => {
  const [ip = '', bitsText = '32', ...rest] = range.split('/')
  const bits = Number(bitsText)
  if (!isIPv4(ip) || rest.length > 0 || !/^\d{1,2}$/.test(bitsText) || bits > 32) return undefined
  const value = ip.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  const size = 2 ** (32 - bits)
  return { base: Math.floor(value / size) * size, bits }
}
