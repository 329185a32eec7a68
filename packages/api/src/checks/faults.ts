import {
  type FieldError,
  forbiddenField,
  invalidValue,
  type Json,
  notSupported,
  required,
  sameJson,
  sortedKeys,
  wasSentEmpty,
} from '@skiff/machinery'

/**
 * Complaints found so far. Checks push to it and build a path's text only once something is wrong, so that the common case, an object
 * without fault, costs next to nothing.
 */
export type Faults = FieldError[]

/** Runs checks and gives back what they found. */
export const collect = (check: (faults: Faults) => void): readonly FieldError[] => {
  const faults: Faults = []
  check(faults)
  return faults
}

/** One Invalid for each message. */
export const addInvalid = (faults: Faults, messages: readonly string[], value: unknown, path: string): void => {
  for (const message of messages) faults.push(invalidValue(path, value, message))
}

/** An Invalid whose value upstream prints as Go syntax: `shown` is that text. */
export const invalidShown = (path: string, shown: string, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field: path,
  body: `Invalid value: ${shown}${detail === '' ? '' : `: ${detail}`}`,
})

/** Go prints a nil pointer as the text "null", in quotes. */
export const orNull = (value: unknown): unknown => value ?? 'null'

export const negativeText = 'must be greater than or equal to 0'
export const immutableText = 'field is immutable'

export const checkNonNegative = (faults: Faults, value: number | undefined, path: string): void => {
  if (value !== undefined && value < 0) faults.push(invalidValue(path, value, negativeText))
}

export const checkImmutable = (faults: Faults, next: unknown, old: unknown, path: string): void => {
  if (!same(next, old)) faults.push(invalidValue(path, orNull(next), immutableText))
}

/** True when the text is there. */
export const checkRequired = (faults: Faults, value: string | undefined, path: string, detail = ''): value is string => {
  if (value) return true
  faults.push(required(path, detail))
  return false
}

/** A closed set of values; an absent one is left to others. `allowed` is in the order in which upstream lists it. */
export const checkSupported = (faults: Faults, value: string | undefined, allowed: readonly string[], path: string): void => {
  if (value !== undefined && !allowed.includes(value)) faults.push(notSupported(path, value, allowed))
}

/** As checkSupported, with Required for an absent value. */
export const checkOneOf = (faults: Faults, value: string | undefined, allowed: readonly string[], path: string): void => {
  if (value === undefined || value === '') faults.push(required(path))
  else checkSupported(faults, value, allowed, path)
}

export const checkForbidden = (faults: Faults, present: boolean, path: string, detail: string): void => {
  if (present) faults.push(forbiddenField(path, detail))
}

/** Deep equality of two parts of objects, absent included. */
export const same = (a: unknown, b: unknown): boolean => sameJson(a as Json | undefined, b as Json | undefined)

export const keysOf = (map: object | undefined): readonly string[] => (map === undefined ? [] : sortedKeys(map))
export const isEmptyMap = (map: object | undefined): boolean => map === undefined || Object.keys(map).length === 0

/** To upstream, an empty list or map that is sent is another than none. */
export const differs = <T extends object>(next: T, old: T, field: keyof T & string): boolean =>
  !same(next[field], old[field]) || wasSentEmpty(next, field)
