import { RE2JS } from 're2js'
import { compilePattern } from '../pattern.ts'
import { toText } from './standard.ts'
import { goDuration } from './times.ts'
import { CelError, type CelFunction, type CelValue, isList, isMap, isTagged, noOverload } from './value.ts'

const text = (value: CelValue | undefined): string => (typeof value === 'string' ? value : noOverload())
const whole = (value: CelValue | undefined): number => (typeof value === 'bigint' ? Number(value) : noOverload())

const onText =
  (act: (target: string, ...args: string[]) => CelValue): CelFunction =>
  (args) =>
    act(...(args.map(text) as [string, ...string[]]))

const matching = (subject: string, pattern: string): boolean => {
  try {
    return compilePattern(pattern)(subject)
  } catch (error) {
    throw new CelError((error as Error).message)
  }
}

const outOfRange = (index: number): never => {
  throw new CelError(`index out of range: ${index}`)
}

const indexOf =
  (last: boolean): CelFunction =>
  ([of, wanted, from]) => {
    if (isList(of as CelValue)) return noOverload()
    const chars = [...text(of)]
    const search = [...text(wanted)]
    const start = from === undefined ? undefined : whole(from)
    if (start !== undefined && (start < 0 || start > chars.length)) return outOfRange(start)
    const fits = (at: number) => search.every((char, index) => chars[at + index] === char)
    const lastAt = chars.length - search.length
    if (last) {
      for (let at = Math.min(start ?? lastAt, lastAt); at >= 0; at--) if (fits(at)) return BigInt(at)
    } else for (let at = start ?? 0; at <= lastAt; at++) if (fits(at)) return BigInt(at)
    return -1n
  }

const substring: CelFunction = ([of, from, to]) => {
  const chars = [...text(of)]
  const start = whole(from)
  const end = to === undefined ? chars.length : whole(to)
  if (start < 0 || start > chars.length) return outOfRange(start)
  if (end < start || end > chars.length) return outOfRange(end)
  return chars.slice(start, end).join('')
}

const replace: CelFunction = ([of, from, to, limit]) => {
  const most = limit === undefined ? -1 : whole(limit)
  const parts = text(of).split(text(from))
  if (most < 0 || parts.length - 1 <= most) return parts.join(text(to))
  return [parts.slice(0, most + 1).join(text(to)), ...parts.slice(most + 1)].join(text(from))
}

const split: CelFunction = ([of, separator, limit]) => {
  const parts = text(of).split(text(separator))
  const most = limit === undefined ? -1 : whole(limit)
  if (most < 0 || parts.length <= most) return parts
  return most === 0 ? [] : [...parts.slice(0, most - 1), parts.slice(most - 1).join(text(separator))]
}

const findAll: CelFunction = ([of, pattern, limit]) => {
  const matcher = RE2JS.compile(text(pattern)).matcher(text(of))
  const most = limit === undefined ? -1 : whole(limit)
  const found: string[] = []
  while ((most < 0 || found.length < most) && matcher.find()) found.push(matcher.group() ?? '')
  return found
}

/** A value within a formatted text. */
const shown = (value: CelValue): string => {
  if (value === null) return 'null'
  if (isList(value)) return `[${value.map(shown).join(', ')}]`
  if (isMap(value))
    return `{${[...value]
      .map(([key, inner]) => `${shown(key)}: ${shown(inner)}`)
      .sort()
      .join(', ')}}`
  if (isTagged(value, 'type')) return value.name
  if (isTagged(value, 'duration')) return goDuration(value)
  return toText(value)
}

const format: CelFunction = ([pattern, values]) => {
  const args = isList(values as CelValue) ? (values as readonly CelValue[]) : noOverload()
  let next = 0
  return text(pattern).replace(/%(?:%|(?:\.(\d+))?([sdfebxXo]))/g, (all, precision: string | undefined, verb: string | undefined) => {
    if (all === '%%') return '%'
    if (next >= args.length) throw new CelError(`index ${next} out of range`)
    const value = args[next++] as CelValue
    switch (verb) {
      case 'f':
        return Number(toText(value)).toFixed(Number(precision ?? 6))
      case 'e':
        return Number(toText(value))
          .toExponential(Number(precision ?? 6))
          .replace(/e([+-])(\d)$/, 'e$10$2')
      case 'b':
        return typeof value === 'boolean' ? (value ? '1' : '0') : BigInt(toText(value)).toString(2)
      case 'o':
        return BigInt(toText(value)).toString(8)
      case 'x':
      case 'X': {
        const hex =
          typeof value === 'bigint' ? value.toString(16) : Buffer.from(value instanceof Uint8Array ? value : toText(value)).toString('hex')
        return verb === 'X' ? hex.toUpperCase() : hex
      }
      default:
        return shown(value)
    }
  })
}

export const stringFunctions: Readonly<Record<string, CelFunction>> = {
  contains: onText((of, part = '') => of.includes(part)),
  startsWith: onText((of, part = '') => of.startsWith(part)),
  endsWith: onText((of, part = '') => of.endsWith(part)),
  matches: onText((of, pattern = '') => matching(of, pattern)),
  charAt: ([of, at]) => {
    const chars = [...text(of)]
    const index = whole(at)
    return index < 0 || index > chars.length ? outOfRange(index) : (chars[index] ?? '')
  },
  'string.indexOf': indexOf(false),
  'string.lastIndexOf': indexOf(true),
  lowerAscii: onText((of) => of.replace(/[A-Z]/g, (char) => char.toLowerCase())),
  upperAscii: onText((of) => of.replace(/[a-z]/g, (char) => char.toUpperCase())),
  replace,
  split,
  substring,
  trim: onText((of) => of.trim()),
  find: ([of, pattern]) => (findAll([of as CelValue, pattern as CelValue, 1n], true) as readonly string[])[0] ?? '',
  findAll,
  format,
  'strings.quote': onText((of) => JSON.stringify(of)),
  'base64.encode': ([of]) => Buffer.from(of as Uint8Array).toString('base64'),
  'base64.decode': onText((of) => Uint8Array.from(Buffer.from(of, 'base64'))),
}
