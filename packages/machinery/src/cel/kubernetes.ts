import { parseQuantity } from '../quantity/parse.ts'
import { addQuantities, compareQuantities, quantityOf, quantitySign, scaledValue, subtractQuantities } from '../quantity/quantity.ts'
import {
  CelError,
  type CelFunction,
  type CelOptional,
  type CelQuantity,
  type CelUrl,
  type CelValue,
  isList,
  isMap,
  isTagged,
  noOverload,
} from './value.ts'

const quantity = (value: CelValue | undefined): CelQuantity =>
  isTagged(value as CelValue, 'quantity') ? (value as CelQuantity) : noOverload()

const quantityFrom = (value: CelValue | undefined): CelQuantity => {
  if (typeof value !== 'string') return noOverload()
  try {
    return { is: 'quantity', quantity: parseQuantity(value) }
  } catch (error) {
    throw new CelError((error as Error).message)
  }
}

const holds = (act: () => unknown): boolean => {
  try {
    act()
    return true
  } catch {
    return false
  }
}

/** The other side of an addition: a quantity or an int. */
const amount = (value: CelValue | undefined) => (typeof value === 'bigint' ? quantityOf(value) : quantity(value).quantity)

const isWhole = (value: CelQuantity): boolean => compareQuantities(quantityOf(scaledValue(value.quantity, 0)), value.quantity) === 0

const order =
  (test: (order: number) => boolean): CelFunction =>
  ([a, b]) =>
    test(compareQuantities(quantity(a).quantity, quantity(b).quantity))

const url = (value: CelValue | undefined): CelUrl => (isTagged(value as CelValue, 'url') ? (value as CelUrl) : noOverload())

/** What Go's url.ParseRequestURI takes: an absolute URL or an absolute path. */
const urlFrom = (value: CelValue | undefined): CelUrl => {
  if (typeof value !== 'string') return noOverload()
  const absolute = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(value)
  if (!absolute && !value.startsWith('/'))
    throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(value)}: invalid URI for request`)
  try {
    return { is: 'url', url: new URL(value, 'none://'), text: value }
  } catch {
    throw new CelError(`URL parse error during conversion from string: parse ${JSON.stringify(value)}: invalid URI for request`)
  }
}
const hasScheme = ({ text }: CelUrl): boolean => !text.startsWith('/')

const query = ({ url: { searchParams } }: CelUrl): CelValue =>
  new Map([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)] as const))

const optional = (value: CelValue | undefined): CelOptional =>
  isTagged(value as CelValue, 'optional') ? (value as CelOptional) : noOverload()

const isZero = (value: CelValue): boolean =>
  value === null ||
  value === '' ||
  value === 0 ||
  value === 0n ||
  value === false ||
  (isList(value) && value.length === 0) ||
  (isMap(value) && value.size === 0)

export const kubernetesFunctions: Readonly<Record<string, CelFunction>> = {
  quantity: ([value]) => quantityFrom(value),
  isQuantity: ([value]) => holds(() => quantityFrom(value)),
  isInteger: ([value]) => isWhole(quantity(value)),
  asInteger: ([value]) => {
    if (!isWhole(quantity(value))) throw new CelError('cannot convert value to integer')
    return scaledValue(quantity(value).quantity, 0)
  },
  asApproximateFloat: ([value]) =>
    isWhole(quantity(value)) ? Number(scaledValue(quantity(value).quantity, 0)) : Number(scaledValue(quantity(value).quantity, -9)) / 1e9,
  sign: ([value]) => BigInt(quantitySign(quantity(value).quantity)),
  add: ([a, b]) => ({ is: 'quantity', quantity: addQuantities(quantity(a).quantity, amount(b)) }),
  sub: ([a, b]) => ({ is: 'quantity', quantity: subtractQuantities(quantity(a).quantity, amount(b)) }),
  isGreaterThan: order((sign) => sign > 0),
  isLessThan: order((sign) => sign < 0),
  compareTo: ([a, b]) => BigInt(compareQuantities(quantity(a).quantity, quantity(b).quantity)),
  url: ([value]) => urlFrom(value),
  isURL: ([value]) => holds(() => urlFrom(value)),
  getScheme: ([value]) => (hasScheme(url(value)) ? url(value).url.protocol.slice(0, -1) : ''),
  getHost: ([value]) => (hasScheme(url(value)) ? url(value).url.host : ''),
  getHostname: ([value]) => (hasScheme(url(value)) ? url(value).url.hostname : ''),
  getPort: ([value]) => (hasScheme(url(value)) ? url(value).url.port : ''),
  getEscapedPath: ([value]) => {
    const { text } = url(value)
    return /^(?:[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/.exec(text)?.[1] ?? ''
  },
  getQuery: ([value]) => query(url(value)),
  'optional.of': ([value]) => ({ is: 'optional', value: value as CelValue }),
  'optional.none': () => ({ is: 'optional', value: undefined }),
  'optional.ofNonZeroValue': ([value]) => ({ is: 'optional', value: isZero(value as CelValue) ? undefined : (value as CelValue) }),
  hasValue: ([value]) => optional(value).value !== undefined,
  value: ([value]) => {
    const held = optional(value).value
    if (held === undefined) throw new CelError('optional.none() dereference')
    return held
  },
  or: ([value, other]) => (optional(value).value === undefined ? (other as CelValue) : (value as CelValue)),
  orValue: ([value, other]) => optional(value).value ?? (other as CelValue),
}
