import { invalidValue } from '@skiff/machinery'
import type { Faults } from './faults.ts'

/** No `..` between slashes. */
export const checkNoBacksteps = (faults: Faults, target: string, path: string): void => {
  if (target.split('/').includes('..')) faults.push(invalidValue(path, target, "must not contain '..'"))
}

/** Relative, and never upwards. */
export const checkDescendingPath = (faults: Faults, target: string, path: string): void => {
  if (target.startsWith('/')) faults.push(invalidValue(path, target, 'must be a relative path'))
  checkNoBacksteps(faults, target, path)
}

/** As checkDescendingPath, and not beginning with `..` either, which the volume writer keeps for itself. */
export const checkLocalPath = (faults: Faults, target: string, path: string): void => {
  checkDescendingPath(faults, target, path)
  if (target.startsWith('..') && !target.startsWith('../')) faults.push(invalidValue(path, target, "must not start with '..'"))
}
