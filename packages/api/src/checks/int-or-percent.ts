import { isPercent } from '@skiff/machinery'
import { checkNonNegative, type Faults, invalidShown } from './faults.ts'
import { goIntOrString } from './go-syntax.ts'

type IntOrString = number | string

/** A count from zero on, or a percentage. */
export const checkIntOrPercent = (faults: Faults, value: IntOrString, path: string): void => {
  if (typeof value === 'number') checkNonNegative(faults, value, path)
  else for (const message of isPercent(value)) faults.push(invalidShown(path, goIntOrString(value), message))
}

export const checkAtMostAll = (faults: Faults, value: IntOrString, path: string): void => {
  if (typeof value === 'string' && isPercent(value).length === 0 && Number.parseInt(value, 10) > 100)
    faults.push(invalidShown(path, goIntOrString(value), 'must not be greater than 100%'))
}

/** The number, or that of the percentage; 0 for any other text. */
export const magnitude = (value: IntOrString): number => (typeof value === 'number' ? value : Number.parseInt(value, 10) || 0)
