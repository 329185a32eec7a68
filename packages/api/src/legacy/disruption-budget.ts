import { isDeepStrictEqual } from 'node:util'
import type { Form, Loose, LooseFields } from './legacy-kind.ts'

const label = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const lacks = { key: label, operator: 'DoesNotExist' }
const has = { key: label, operator: 'Exists' }
/** No pod has the label and lacks it; every pod lacks it. */
const matchNone = { matchExpressions: [lacks, has] }
const matchAll = { matchExpressions: [lacks] }

const isEmpty = (selector: LooseFields): boolean =>
  Object.values(selector).every((value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0)

const withSelector = (object: Loose, change: (selector: LooseFields) => LooseFields): Loose => {
  const selector = object.spec?.selector as LooseFields | undefined
  return selector ? ({ ...object, spec: { ...object.spec, selector: change(selector) } } as Loose) : object
}

/** The label is this conversion's own: nobody combines it with other requirements. */
const withoutLabel = (selector: LooseFields): LooseFields => {
  const expressions = selector.matchExpressions as readonly { readonly key?: string }[] | undefined
  if (!expressions?.some(({ key }) => key === label)) return selector
  return { ...selector, matchExpressions: expressions.filter(({ key }) => key !== label) }
}

/** PodDisruptionBudgets of policy/v1beta1: there, an empty selector selects no pod, and in policy/v1 every pod. */
export const disruptionBudget: Form = {
  toStored: (object) =>
    withSelector(object, (selector) => {
      if (isEmpty(selector)) return matchNone
      return isDeepStrictEqual(selector, matchAll) ? {} : withoutLabel(selector)
    }),
  fromStored: (object) =>
    withSelector(object, (selector) => {
      if (isEmpty(selector)) return matchAll
      return isDeepStrictEqual(selector, matchNone) ? {} : selector
    }),
}
