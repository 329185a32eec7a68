import { isIPv4, isIPv6 } from 'node:net'
import { compilePattern, parseDuration } from '@skiff/machinery'
import { isIsbn10, isIsbn13, passesLuhn } from './checksums.ts'

/** A pattern of our own over texts of any length: linear time all the same. */
const pattern = (source: string) => (text: string) => compilePattern(source)(text)

const hex = '[0-9a-f]'
const uuid = (third: string, fourth: string) => pattern(`(?i)^${hex}{8}-?${hex}{4}-?${third}-?${fourth}-?${hex}{12}$`)

const isUrl = (text: string): boolean => {
  if (!text.startsWith('/') && !/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text)) return false
  if (/[\u0000-\u0020\u007f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false
  return !/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*[<>"\s{}|\\^`]/.test(text)
}

const label = '[a-zA-Z0-9\\p{S}\\p{L}]'
const hostnamePattern = pattern(
  `^(${label}((-?${label}{0,62})?)|(${label}(([a-zA-Z0-9-\\p{S}\\p{L}]{0,61}${label})?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$`,
)
const isHostname = (text: string): boolean =>
  Buffer.byteLength(text) <= 255 && hostnamePattern(text) && text.split('.').every((part) => Buffer.byteLength(part) <= 63)

/** Leading zeros are let through, as upstream has it. */
const isSloppyIPv4 = (text: string): boolean => {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^\d{1,10}$/.test(part) && Number(part) < 256)
}
const isV4 = (text: string): boolean => isSloppyIPv4(text) || (text.includes('.') && isV6(text))
const isV6 = (text: string): boolean => isIPv6(text) && !text.includes('%')

const isCidr = (text: string): boolean => {
  const [address = '', bits = '', ...rest] = text.split('/')
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits)) return false
  if (isIPv4(address) || isSloppyIPv4(address)) return Number(bits) <= 32
  return isV6(address) && Number(bits) <= 128
}

const isMac = (text: string): boolean =>
  /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1){4}(?:[0-9a-f]{2}|(?:[0-9a-f]{2}\1){2}[0-9a-f]{2}|(?:[0-9a-f]{2}\1){14}[0-9a-f]{2})$/i.test(
    text,
  ) || /^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}(?:\.[0-9a-f]{4}|(?:\.[0-9a-f]{4}){7})?$/i.test(text)

const isDate = (text: string): boolean => {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []
  if (year === undefined) return false
  const date = new Date(Date.UTC(2000, Number(month) - 1, Number(day)))
  date.setUTCFullYear(Number(year))
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day)
  )
}

const isDateTime = (text: string): boolean => {
  const [date = '', time, ...rest] = text.toLowerCase().split('t')
  if (time === undefined || rest.length > 0 || !isDate(date)) return false
  const [, hours = '', minutes = '', seconds = ''] = /^(\d\d):(\d\d):(\d\d)(?:.\d+)?(?:z|[+-]\d\d:\d\d)$/.exec(time) ?? []
  return hours !== '' && hours <= '23' && minutes <= '59' && seconds <= '59'
}

const isGoDuration = (text: string): boolean => {
  try {
    parseDuration(text)
    return true
  } catch {
    return false
  }
}
const exactUnits = [
  'ns',
  'nano',
  'us',
  'µs',
  'micro',
  'ms',
  'milli',
  's',
  'sec',
  'm',
  'min',
  'h',
  'hr',
  'hour',
  'd',
  'day',
  'w',
  'wk',
  'week',
]
const longUnits = ['nano', 'micro', 'milli', 'sec', 'min', 'hour', 'day', 'week']
/** Go's durations, and a number with a unit in words anywhere in the text. */
const isDuration = (text: string): boolean => {
  if (isGoDuration(text)) return true
  for (const [, unit = ''] of text.matchAll(/\d\s{0,20}([A-Za-zµ]{1,30})/g)) {
    const word = unit.toLowerCase()
    if (exactUnits.includes(word) || longUnits.some((each) => word.startsWith(each))) return true
  }
  return false
}

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+"
const isEmail = (text: string): boolean => {
  const address = /^[^<>]*<([^<>]*)>\s*$/.exec(text)?.[1] ?? text.trim()
  const at = address.lastIndexOf('@')
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)]
  const dotted = new RegExp(`^${atom}(?:\\.${atom})*$`)
  return at > 0 && (dotted.test(local) || /^"(?:[^"\\]|\\.)*"$/.test(local)) && (dotted.test(domain) || /^\[.*\]$/.test(domain))
}

const channel = '\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*'
const digitsOf = (text: string): string => text.replace(/[^0-9]+/g, '')
const isCreditCard = (text: string): boolean =>
  pattern(
    '^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|(222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\\d{3})\\d{11}|6[27][0-9]{14})$',
  )(digitsOf(text)) && passesLuhn(digitsOf(text))

/** The formats that upstream checks, without the dashes of their names; every other one is a note to readers. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: pattern('^[0-9a-fA-F]{24}$'),
  uri: isUrl,
  email: isEmail,
  hostname: isHostname,
  ipv4: isV4,
  ipv6: isV6,
  cidr: isCidr,
  mac: isMac,
  uuid: uuid(`${hex}{4}`, `${hex}{4}`),
  uuid3: uuid(`3${hex}{3}`, `${hex}{4}`),
  uuid4: uuid(`4${hex}{3}`, `[89ab]${hex}{3}`),
  uuid5: uuid(`5${hex}{3}`, `[89ab]${hex}{3}`),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: pattern('^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$'),
  hexcolor: pattern('^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$'),
  rgbcolor: pattern(`^rgb\\(${channel},${channel},${channel}\\)$`),
  byte: (text) => text.length % 4 === 0 && text !== '' && pattern('^[A-Za-z0-9+/]*={0,2}$')(text),
  password: () => true,
  date: isDate,
  duration: isDuration,
  datetime: isDateTime,
}

const nameOf = (format: string): string => format.replaceAll('-', '')

export const knownFormat = (format: string): boolean => Object.hasOwn(formats, nameOf(format))

/** True for a text that does not have the format. */
export const formatFault = (format: string, text: string): boolean => formats[nameOf(format)]?.(text) === false
