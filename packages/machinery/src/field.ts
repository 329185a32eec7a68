/** A complaint about one field: field.Error of apimachinery. `body` is its text without the path. */
export interface FieldError {
  readonly reason: string
  /** Dotted path: spec.containers[0].name, metadata.labels[a/b]. */
  readonly field: string
  readonly body: string
}

/** Prints a value as %v or %q does in field.Error: strings quoted, and nothing as the quoted word null; objects as Go would print their JSON. */
const shown = (value: unknown): string => {
  if (value === undefined || value === null) return '"null"'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/** Go's %q: JSON's quoting, with \x and \u forms for what Go does not print. */
export const quoted = (text: string): string =>
  JSON.stringify(text)
    .replace(/\\b/g, '\\b')
    .replace(/[\u007f-\u009f\u00ad\u2028\u2029\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

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
