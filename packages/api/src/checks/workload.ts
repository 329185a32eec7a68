import { invalidValue, required } from '@skiff/machinery'
import { checkPodTemplate, checkRunsForever } from '../core/pod-spec/pod-spec.ts'
import type { LabelSelector, PodTemplateSpec } from '../generated/types.ts'
import { checkNonNegative, type Faults, immutableText, invalidShown, same } from './faults.ts'
import { goSelector, goTemplateLabels } from './go-syntax.ts'
import { checkLabelSelector, selectorMatches, selectsNothing } from './label-selector.ts'

/** A selector must be there and select something. `owner` is the word of upstream's text. */
export const checkWorkloadSelector = (faults: Faults, selector: LabelSelector | undefined, owner: string): void => {
  if (selector === undefined) {
    faults.push(required('spec.selector'))
    return
  }
  checkLabelSelector(faults, selector, 'spec.selector')
  if (selectsNothing(selector)) faults.push(invalidShown('spec.selector', goSelector(selector), `empty selector is invalid for ${owner}`))
}

/** The selector is the template's own; a selector that cannot be read gets `unreadable` as its text. */
export const checkTemplateMatches = (
  faults: Faults,
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  unreadable: string,
): boolean => {
  if (selector !== undefined && selectsNothing(selector)) return true
  // No selector matches nothing at all, where an empty one matches everything.
  const matches = selector !== undefined && selectorMatches(selector, template?.metadata?.labels)
  if (selector !== undefined && matches === undefined) faults.push(invalidShown('spec.selector', goSelector(selector), unreadable))
  else if (!matches)
    faults.push(invalidShown('spec.template.metadata.labels', goTemplateLabels(template), '`selector` does not match template `labels`'))
  return matches !== undefined
}

/** The template of ReplicaSets and Deployments. */
export const checkReplicatedTemplate = (
  faults: Faults,
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  replicas: number,
): void => {
  if (!checkTemplateMatches(faults, selector, template, 'invalid label selector')) return
  checkPodTemplate(faults, template, 'spec.template')
  if (replicas > 1) checkReadOnlyDisks(faults, template)
  checkRunsForever(faults, template, 'ReplicaSet', 'spec.template')
}

/** A disk that one node alone may write is no good for several pods. */
export const checkReadOnlyDisks = (faults: Faults, template: PodTemplateSpec | undefined): void => {
  template?.spec?.volumes?.forEach(({ gcePersistentDisk }, index) => {
    if (gcePersistentDisk && gcePersistentDisk.readOnly !== true)
      faults.push(
        invalidValue(
          `spec.template.spec.volumes[${index}].gcePersistentDisk.readOnly`,
          false,
          'must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is read-only',
        ),
      )
  })
}

export const checkSelectorFixed = (faults: Faults, next: LabelSelector | undefined, old: LabelSelector | undefined): void => {
  if (!same(next, old)) faults.push(invalidShown('spec.selector', goSelector(next), immutableText))
}

/** Counts of a status, each from zero on and those named no greater than replicas. */
export const checkCounts = (
  faults: Faults,
  status: object | undefined,
  counts: readonly string[],
  withinReplicas: readonly string[],
): void => {
  const values = (status ?? {}) as Readonly<Record<string, number | undefined>>
  for (const field of counts) checkNonNegative(faults, values[field], `status.${field}`)
  const replicas = values.replicas ?? 0
  for (const field of withinReplicas) {
    const count = values[field] ?? 0
    if (count > replicas) faults.push(invalidValue(`status.${field}`, count, 'cannot be greater than status.replicas'))
  }
}

/** Names of controllers' hashes are kept apart by a count that never goes back. */
export const checkCollisions = (faults: Faults, next: number | undefined, old: number | undefined): void => {
  if (old !== undefined && (next === undefined || next < old))
    faults.push(invalidValue('status.collisionCount', next ?? 0, 'cannot be decremented'))
}
