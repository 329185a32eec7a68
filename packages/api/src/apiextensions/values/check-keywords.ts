import {
  compilePattern,
  type FieldError,
  goFloatText,
  invalidValue,
  type Json,
  notSupported,
  sameJson,
  tooLong,
  tooMany,
} from '@skiff/machinery'
import { isNearlyWhole, isWhole } from './numbers.ts'
import type { Structural } from './structural.ts'

/** Where a fault is reported: a path as messages show it may begin with a dot, a field never does. */
export const fieldOf = (path: string): string => (path === '' ? '<nil>' : path.replace(/^\./, ''))

const refuse = (faults: FieldError[], path: string, value: unknown, text: string): void => {
  faults.push(invalidValue(fieldOf(path), value, `${path} in body should ${text}`))
}

/** Whole numbers are compared with bounds that have lost their fraction, as upstream's validator does. */
export const checkNumber = (faults: FieldError[], schema: Structural, value: number | bigint, path: string): void => {
  const { minimum, maximum, multipleOf } = schema
  const whole = isWhole(value)
  const bound = (limit: number) => (whole ? Math.trunc(limit) : limit)
  const shown = (limit: number) => (whole ? BigInt(bound(limit)).toString() : goFloatText(limit))
  if (multipleOf !== undefined && !isMultiple(value, multipleOf))
    refuse(faults, path, value, `be a multiple of ${bound(multipleOf) === 0 ? goFloatText(multipleOf) : shown(multipleOf)}`)
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= bound(minimum) : value < bound(minimum)))
    refuse(faults, path, value, `be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${shown(minimum)}`)
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= bound(maximum) : value > bound(maximum)))
    refuse(faults, path, value, `be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${shown(maximum)}`)
}

const isMultiple = (value: number | bigint, of: number): boolean => {
  if (isWhole(value) && Math.abs(of) >= 1) return BigInt(value) % BigInt(Math.trunc(of)) === 0n
  return of === 0 || isNearlyWhole(of < 1 ? (1 / of) * Number(value) : Number(value) / of)
}

const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length++
  return length
}

/** The first fault of a text's length and pattern. */
export const checkText = (faults: FieldError[], schema: Structural, value: string, path: string): void => {
  const { minLength, maxLength, pattern } = schema
  // Characters are at most as many as code units, and at least half as many.
  if (maxLength !== undefined && value.length > maxLength && lengthOf(value) > maxLength)
    faults.push(tooLong(fieldOf(path), value, maxLength))
  else if (minLength !== undefined && value.length < minLength * 2 && lengthOf(value) < minLength)
    refuse(faults, path, value, `be at least ${minLength} chars long`)
  else if (pattern && !compilePattern(pattern)(value)) refuse(faults, path, value, `match '${pattern}'`)
}

export const checkItemCount = (faults: FieldError[], { minItems, maxItems }: Structural, count: number, path: string): void => {
  if (minItems !== undefined && count < minItems) refuse(faults, path, count, `have at least ${minItems} items`)
  if (maxItems !== undefined && count > maxItems) faults.push(tooMany(fieldOf(path), count, maxItems))
}

/** True where the count is right; otherwise nothing else of the object is looked at. */
export const checkPropertyCount = (faults: FieldError[], schema: Structural, count: number, path: string): boolean => {
  const { minProperties, maxProperties } = schema
  if (minProperties !== undefined && count < minProperties) refuse(faults, path, count, `have at least ${minProperties} properties`)
  else if (maxProperties !== undefined && count > maxProperties) faults.push(tooMany(fieldOf(path), count, maxProperties))
  else return true
  return false
}

export const checkEnum = (faults: FieldError[], schema: Structural, value: Json, path: string): void => {
  if (!schema.enum?.length || schema.enum.some((each) => isListed(each as Json, value))) return
  const allowed = schema.enum.map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
  faults.push(notSupported(fieldOf(path), value, allowed))
}

/** null is no value of an enumeration, and a fraction counts as the whole number below it where those are listed, as in Go. */
const isListed = (listed: Json, value: Json): boolean => {
  if (listed === null || value === null) return false
  if (typeof value === 'number' && typeof listed === 'number' && Number.isInteger(listed)) return Math.trunc(value) === listed
  return sameJson(listed, value)
}
