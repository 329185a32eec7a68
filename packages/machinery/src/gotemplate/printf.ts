import { quoted } from '../field.ts'
import { goFloatText } from '../json/go-text.ts'
import { typeText, type Value, valueText } from './value.ts'

// Go's fmt.Sprintf for the values that templates have.

/** Sprint: spaces go between operands that are both no strings. */
export const sprint = (values: readonly Value[]): string =>
  values
    .map((value, i) =>
      i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string' ? ` ${valueText(value)}` : valueText(value),
    )
    .join('')

export const sprintln = (values: readonly Value[]): string => `${values.map(valueText).join(' ')}\n`

export const sprintf = (format: string, values: readonly Value[]): string => {
  let used = 0
  const take = (): Value | undefined => (used < values.length ? values[used++] : undefined)
  const text = format.replace(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([\s\S])?/gu,
    (whole, flags: string, width, precision, verb?: string) => {
      if (verb === undefined) return '%!(NOVERB)'
      if (verb === '%') return '%'
      const columns = width === '*' ? Number(take()) : width === undefined ? 0 : Number(width)
      const places = precision === '*' ? Number(take()) : precision !== undefined ? Number(precision) : whole.includes('.') ? 0 : undefined
      if (used >= values.length) return `%!${verb}(MISSING)`
      return padded(formatted(verb, take(), flags, places), columns, flags)
    },
  )
  const extra = values.slice(used)
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.map((each) => `${typeText(each)}=${valueText(each)}`).join(', ')})`
}

const padded = (text: string, width: number, flags: string): string => {
  const missing = width - [...text].length
  if (missing <= 0) return text
  if (flags.includes('-')) return text + ' '.repeat(missing)
  if (!flags.includes('0') || !/^[-+]?\d/.test(text)) return ' '.repeat(missing) + text
  const sign = /^[-+]/.exec(text)?.[0] ?? ''
  return sign + '0'.repeat(missing) + text.slice(sign.length)
}

const formatted = (verb: string, value: Value, flags: string, places: number | undefined): string => {
  if (verb === 'v') return valueText(value)
  if (verb === 'T') return typeText(value)
  const text =
    typeof value === 'bigint'
      ? ofInteger(verb, value)
      : typeof value === 'number'
        ? ofFloat(verb, value, places)
        : typeof value === 'string'
          ? ofString(verb, value, places)
          : typeof value === 'boolean' && verb === 't'
            ? String(value)
            : undefined
  if (text === undefined)
    return value === null || value === undefined ? `%!${verb}(<nil>)` : `%!${verb}(${typeText(value)}=${valueText(value)})`
  return flags.includes('+') && typeof value !== 'string' && !text.startsWith('-') ? `+${text}` : text
}

const ofInteger = (verb: string, value: bigint): string | undefined => {
  const bases: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 }
  const base = Object.hasOwn(bases, verb) ? bases[verb] : undefined
  if (base !== undefined) return verb === 'X' ? value.toString(base).toUpperCase() : value.toString(base)
  if (verb === 'c') return String.fromCodePoint(Number(value))
  if (verb === 'q') return `'${String.fromCodePoint(Number(value))}'`
  return verb === 'U' ? `U+${value.toString(16).toUpperCase().padStart(4, '0')}` : undefined
}

const ofFloat = (verb: string, value: number, places: number | undefined): string | undefined => {
  switch (verb) {
    case 'f':
    case 'F':
      return value.toFixed(places ?? 6)
    case 'e':
    case 'E': {
      const text = value.toExponential(places ?? 6).replace(/e([-+])(\d)$/, 'e$10$2')
      return verb === 'E' ? text.toUpperCase() : text
    }
    case 'g':
    case 'G':
      return places === undefined ? goFloatText(value) : goFloatText(Number(value.toPrecision(places || 1)))
    default:
      return undefined
  }
}

const ofString = (verb: string, value: string, places: number | undefined): string | undefined => {
  const text = places === undefined ? value : [...value].slice(0, places).join('')
  switch (verb) {
    case 's':
      return text
    case 'q':
      return quoted(text)
    case 'x':
      return Buffer.from(text).toString('hex')
    case 'X':
      return Buffer.from(text).toString('hex').toUpperCase()
    default:
      return undefined
  }
}
