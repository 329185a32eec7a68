import { compileLabelSelector, type LabelSelector } from '@skiff/machinery'

type Labels = Readonly<Record<string, string>>

/** Whether `labels` hold every name and value of `wanted`. */
export const hasLabels = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels !== undefined && Object.hasOwn(labels, name) && labels[name] === value)

/** A test made once for many labels. An absent selector selects nothing, an empty one everything; one that cannot be compiled nothing. */
export const selectorOf = (selector: LabelSelector | undefined): ((labels: Labels | undefined) => boolean) => {
  if (!selector) return () => false
  try {
    return compileLabelSelector(selector).matches
  } catch {
    return () => false
  }
}

/** `selectorOf` for a single test. */
export const selects = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean => selectorOf(selector)(labels)

export const selectsEverything = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0
