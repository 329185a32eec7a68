import { isIP, isIPv4, isIPv6 } from 'node:net'

const isUrl = (text: string): boolean => {
  try {
    return new URL(text).href !== ''
  } catch {
    return false
  }
}
const uuid = (version: string) => new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i')
const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

/** The formats that upstream checks; every other one is a note to readers. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text),
  duration: matches(/^-?(\d+(\.\d*)?(ns|us|µs|ms|s|m|h))+$|^0$/),
  email: matches(/^[^\s@<>]+@[^\s@<>]+$/),
  hostname: matches(/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\.?$/),
  ipv4: (text) => isIPv4(text),
  ipv6: (text) => isIPv6(text),
  cidr: (text) => isIP(text.split('/')[0] ?? '') > 0 && /^[^/]+\/\d{1,3}$/.test(text),
  mac: matches(/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i),
  uri: isUrl,
  uuid: matches(uuid('[0-9a-f]')),
  uuid3: matches(uuid('3')),
  uuid4: matches(uuid('4')),
  uuid5: matches(uuid('5')),
}

/** The name of the format that a text does not have. */
export const formatFault = (format: string, text: string): string | undefined => {
  const name = format.toLowerCase()
  return Object.hasOwn(formats, name) && !formats[name]?.(text) ? format : undefined
}
