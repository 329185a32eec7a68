import {
  type LabelSelector as AnySelector,
  addFaults,
  compileLabelSelector,
  isQualifiedName,
  validateLabelSelector,
  validateLabels,
} from '@skiff/machinery'
import type { LabelSelector } from '../generated/types.ts'
import { addInvalid, type Faults } from './faults.ts'

export const checkLabelName = (faults: Faults, name: string, path: string): void => addInvalid(faults, isQualifiedName(name), name, path)

/** Keys and values of labels, of a node selector or of matchLabels. */
export const checkLabels = (faults: Faults, labels: Readonly<Record<string, string>> | undefined, path: string): void => {
  if (labels !== undefined) addFaults(faults, validateLabels(labels, path))
}

/** A selector may be absent. */
export const checkLabelSelector = (faults: Faults, selector: LabelSelector | undefined, path: string): void => {
  if (selector !== undefined) addFaults(faults, validateLabelSelector(selector as AnySelector, path))
}

export const selectsNothing = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0

type Labels = Readonly<Record<string, string>>
/** Whether labels match; undefined for a selector that cannot be compiled. An absent selector matches nothing. */
export const selectorMatches = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean | undefined => {
  try {
    return compileLabelSelector(selector as AnySelector | undefined).matches(labels ?? {})
  } catch {
    return undefined
  }
}
