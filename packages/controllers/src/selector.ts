import type { LabelSelector } from '@skiff/api'

type Labels = Readonly<Record<string, string>>

/** Whether `labels` hold every name and value of `wanted`. */
export const hasLabels = (labels: Labels | undefined, wanted: Labels): boolean =>
  Object.entries(wanted).every(([name, value]) => labels !== undefined && Object.hasOwn(labels, name) && labels[name] === value)

/** An absent selector selects nothing, an empty one everything: metav1's rule. An operator that is not known selects nothing. */
export const selects = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean => {
  if (!selector) return false
  if (!hasLabels(labels, selector.matchLabels ?? {})) return false
  return (selector.matchExpressions ?? []).every(({ key, operator, values }) => {
    const value = labels && Object.hasOwn(labels, key) ? labels[key] : undefined
    switch (operator as string) {
      case 'In':
        return value !== undefined && (values ?? []).includes(value)
      case 'NotIn':
        return value === undefined || !(values ?? []).includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        return false
    }
  })
}

export const selectsEverything = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0
