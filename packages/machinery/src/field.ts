import { goFloatText } from './json/go-text.ts'

/** A complaint about one field: field.Error of apimachinery. `body` is its text without the path. */
export interface FieldError {
  readonly reason: string
  /** Dotted path: spec.containers[0].name, metadata.labels[a/b]. */
  readonly field: string
  readonly body: string
}

/** Prints a value as field.Error does: strings quoted, nothing as the quoted word null, objects and lists in Go's syntax. */
const shown = (value: unknown): string => {
  if (value === undefined || value === null) return '"null"'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'object') return goSyntax(value)
  return typeof value === 'number' && !Number.isInteger(value) ? goFloatText(value) : String(value)
}

/** A plain JSON value as Go's %#v prints it. */
export const goSyntax = (value: unknown): string => {
  if (value === undefined || value === null) return 'interface {}(nil)'
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value !== 'object') return typeof value === 'number' && !Number.isInteger(value) ? goFloatText(value) : String(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `map[string]interface {}{${entries.map(([key, inner]) => `${quoted(key)}:${goSyntax(inner)}`).join(', ')}}`
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}
/** What Go does not print: anything but letters, marks, numbers, punctuation, symbols and the plain space. */
const unprinted = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

const escaped = (character: string): string => {
  const short = shortEscapes[character]
  if (short !== undefined) return short
  const code = character.codePointAt(0) as number
  const digits = (width: number) => code.toString(16).padStart(width, '0')
  if (code < 0x20 || code === 0x7f) return `\\x${digits(2)}`
  return code < 0x10000 ? `\\u${digits(4)}` : `\\U${digits(8)}`
}

/** Go's %q. */
export const quoted = (text: string): string => `"${text.replace(unprinted, escaped)}"`

const fault = (reason: string, field: string, body: string): FieldError => ({ reason, field, body })

export const required = (field: string, detail = '') => fault('FieldValueRequired', field, withDetail('Required value', detail))
export const invalidValue = (field: string, value: unknown, detail: string) =>
  fault('FieldValueInvalid', field, withDetail(`Invalid value: ${shown(value)}`, detail))
export const typeInvalid = (field: string, value: unknown, detail: string) =>
  fault('FieldValueTypeInvalid', field, withDetail(`Invalid value: ${shown(value)}`, detail))
export const duplicate = (field: string, value: unknown) => fault('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}`)
export const forbiddenField = (field: string, detail: string) => fault('FieldValueForbidden', field, withDetail('Forbidden', detail))
export const notFoundField = (field: string, value: unknown) => fault('FieldValueNotFound', field, `Not found: ${shown(value)}`)
export const notSupported = (field: string, value: unknown, supported: readonly string[]) =>
  fault(
    'FieldValueNotSupported',
    field,
    withDetail(`Unsupported value: ${shown(value)}`, supported.length ? `supported values: ${supported.map(quoted).join(', ')}` : ''),
  )
export const tooLong = (field: string, _value: unknown, max: number) =>
  fault(
    'FieldValueTooLong',
    field,
    withDetail('Too long', max >= 0 ? `may not be more than ${max} byte${max === 1 ? '' : 's'}` : 'value is too long'),
  )
export const tooMany = (field: string, actual: number, max: number) =>
  fault(
    'FieldValueTooMany',
    field,
    withDetail(`Too many: ${actual}`, max >= 0 ? `must have at most ${max} item${max === 1 ? '' : 's'}` : 'has too many items'),
  )
export const internalField = (field: string, why: string) => fault('InternalError', field, withDetail('Internal error', why))

const withDetail = (head: string, detail: string): string => (detail ? `${head}: ${detail}` : head)

/** `field: body`, the error's whole text. */
export const errorText = (error: FieldError): string => `${error.field}: ${error.body}`

/** The text of an ErrorList turned to an aggregate: one as it is, several distinct ones in brackets. */
export const summariseErrors = (errors: readonly FieldError[]): string => {
  const texts = [...new Set(errors.map(errorText))]
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`
}

/** `a.b`, leaving out an empty parent. */
export const at = (parent: string, child: string): string => (parent === '' ? child : `${parent}.${child}`)
/** `a[key]`. */
export const item = (parent: string, key: string | number): string => `${parent}[${key}]`

/** Adds faults, of which a hostile object may have more than a call takes arguments. */
export const addFaults = (to: FieldError[], faults: Iterable<FieldError>): void => {
  for (const fault of faults) to.push(fault)
}

/** The places of values that came before: where a hostile list is long, looking back from each value would take the square of its length. */
export const repeats = (values: readonly unknown[]): ReadonlySet<number> => {
  const seen = new Set<unknown>()
  const again = new Set<number>()
  for (let index = 0; index < values.length; index++) {
    if (seen.has(values[index])) again.add(index)
    else seen.add(values[index])
  }
  return again
}
