import {
  compilePattern,
  type FieldError,
  invalidValue,
  isJsonArray,
  isJsonObject,
  type Json,
  notSupported,
  sameJson,
  tooLong,
  tooMany,
} from '@skiff/machinery'
import { formatFault } from './formats.ts'
import type { Structural } from './structural.ts'

/** The keywords of a schema that look at one value alone, whose type is right. */
export const checkKeywords = (schema: Structural, value: Json, path: string): FieldError[] => {
  const faults: FieldError[] = []
  if (typeof value === 'number' || typeof value === 'bigint') checkNumber(faults, schema, value, path)
  else if (typeof value === 'string') checkText(faults, schema, value, path)
  else if (isJsonArray(value)) checkArray(faults, schema, value, path)
  else if (isJsonObject(value)) checkObject(faults, schema, Object.keys(value).length, path)
  if (schema.enum && !schema.enum.some((each) => sameJson(each as Json, value)))
    faults.push(
      notSupported(
        path,
        value,
        schema.enum.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))),
      ),
    )
  return faults
}

const checkNumber = (faults: FieldError[], schema: Structural, value: number | bigint, path: string): void => {
  const refuse = (text: string) => faults.push(invalidValue(path, value, `${path} in body should be ${text}`))
  const { minimum, maximum, multipleOf } = schema
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) refuse(`a multiple of ${multipleOf}`)
  if (maximum !== undefined && (schema.exclusiveMaximum ? value >= maximum : value > maximum))
    refuse(`${schema.exclusiveMaximum ? 'less than' : 'less than or equal to'} ${maximum}`)
  if (minimum !== undefined && (schema.exclusiveMinimum ? value <= minimum : value < minimum))
    refuse(`${schema.exclusiveMinimum ? 'greater than' : 'greater than or equal to'} ${minimum}`)
}

const isMultiple = (value: number | bigint, of: number): boolean =>
  typeof value === 'bigint' ? Number.isInteger(of) && value % BigInt(of) === 0n : Number.isInteger(value / of)

const lengthOf = (text: string): number => {
  let length = 0
  for (const _ of text) length++
  return length
}

const checkText = (faults: FieldError[], schema: Structural, value: string, path: string): void => {
  const { minLength, maxLength, pattern, format } = schema
  if (maxLength !== undefined && lengthOf(value) > maxLength) faults.push(tooLong(path, value, maxLength))
  if (minLength !== undefined && lengthOf(value) < minLength)
    faults.push(invalidValue(path, value, `${path} in body should be at least ${minLength} chars long`))
  if (pattern !== undefined && !compilePattern(pattern)(value))
    faults.push(invalidValue(path, value, `${path} in body should match '${pattern}'`))
  const fault = format ? formatFault(format, value) : undefined
  if (fault) faults.push(invalidValue(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`))
}

const checkArray = (faults: FieldError[], schema: Structural, value: readonly Json[], path: string): void => {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) faults.push(tooMany(path, value.length, schema.maxItems))
  if (schema.minItems !== undefined && value.length < schema.minItems)
    faults.push(invalidValue(path, value.length, `${path} in body should have at least ${schema.minItems} items`))
}

const checkObject = (faults: FieldError[], schema: Structural, count: number, path: string): void => {
  if (schema.maxProperties !== undefined && count > schema.maxProperties) faults.push(tooMany(path, count, schema.maxProperties))
  if (schema.minProperties !== undefined && count < schema.minProperties)
    faults.push(invalidValue(path, count, `${path} in body should have at least ${schema.minProperties} properties`))
}
