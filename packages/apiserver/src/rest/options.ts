import type { Call } from '@skiff/client'
import {
  addFaults,
  badRequest,
  canonicalTime,
  type FieldError,
  invalid,
  notSupported,
  quoted,
  validateFieldManager,
} from '@skiff/machinery'
import type { FieldValidation } from './body.ts'
import { queryValue } from './context.ts'

/** Query parameters of a write, checked as metav1.validation does. `kind` is CreateOptions, UpdateOptions or PatchOptions. */
export const writeOptions = (
  call: Call,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): { dryRun: boolean; validation: FieldValidation; fieldManager: string; force: boolean | undefined } => {
  const { query } = call
  // Most calls carry no options.
  if (query.dryRun === undefined && query.fieldValidation === undefined && query.fieldManager === undefined && query.force === undefined)
    return { dryRun: false, validation: 'Warn', fieldManager: '', force: undefined }
  const errors: FieldError[] = []
  const validation = queryValue(call, 'fieldValidation') ?? ''
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation))
    errors.push(notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  const fieldManager = queryValue(call, 'fieldManager') ?? ''
  addFaults(errors, validateFieldManager(fieldManager, 'fieldManager'))
  const dryRun = dryRunOf(call, errors)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
  const force = queryValue(call, 'force')
  return {
    dryRun,
    validation: (validation || 'Warn') as FieldValidation,
    fieldManager,
    force: force === undefined ? undefined : force !== 'false' && force !== '0',
  }
}

/** dryRun as a list; only All is known. */
export const dryRunOf = (call: Call, errors: FieldError[]): boolean => {
  const value = call.query.dryRun
  const given = value === undefined ? [] : typeof value === 'string' ? [value] : value
  return checkDryRun(given, errors)
}

export const checkDryRun = (given: readonly string[], errors: FieldError[]): boolean => {
  if (given.length === 0) return false
  if (given.some((each) => each !== 'All'))
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'dryRun',
      body: `Unsupported value: []string{${given.map(quoted).join(', ')}}: supported values: "All"`,
    })
  return true
}

/** An integer of the query; refuses what Go's strconv refuses. */
export const queryInteger = (call: Call, name: string): number | undefined => {
  const text = queryValue(call, name)
  if (text === undefined) return undefined
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${quoted(text)}: invalid syntax`)
  if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw badRequest(`strconv.ParseInt: parsing ${quoted(text)}: value out of range`)
  return Number(text)
}

/** A time of the query as it was written; refuses what Go's time package can not read. */
export const queryTime = (call: Call, name: string): string | undefined => {
  const text = queryValue(call, name)
  if (!text) return undefined
  try {
    canonicalTime(text)
  } catch (error) {
    throw badRequest((error as Error).message)
  }
  return text
}

/** The options of a write as the query gave them, for whoever is asked about it. */
export const givenOptions = (call: Call): object => {
  const { fieldManager, fieldValidation, dryRun, force } = call.query
  return {
    ...(dryRun === undefined ? {} : { dryRun: typeof dryRun === 'string' ? [dryRun] : dryRun }),
    ...(force === undefined ? {} : { force: queryValue(call, 'force') !== 'false' }),
    ...(fieldManager === undefined ? {} : { fieldManager: queryValue(call, 'fieldManager') }),
    ...(fieldValidation === undefined ? {} : { fieldValidation: queryValue(call, 'fieldValidation') }),
  }
}
