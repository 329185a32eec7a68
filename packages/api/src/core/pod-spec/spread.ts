import { duplicate, forbiddenField, invalidValue, notSupported, required } from '@skiff/machinery'
import { checkSupported, type Faults } from '../../checks/faults.ts'
import { checkLabelName, checkLabelSelector } from '../../checks/label-selector.ts'
import type { TopologySpreadConstraint } from '../../generated/types.ts'

const notPositive = 'must be greater than zero'

export const checkSpreadConstraints = (faults: Faults, constraints: readonly TopologySpreadConstraint[], path: string): void => {
  // Of those that are alike, all but the last are refused.
  const alike = constraints.map(({ topologyKey = '', whenUnsatisfiable = '' as string }) => `${topologyKey} ${whenUnsatisfiable}`)
  const last = new Map(alike.map((text, index) => [text, index]))
  constraints.forEach((constraint, index) => {
    const at = `${path}[${index}]`
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' as string } = constraint
    if (maxSkew <= 0) faults.push(invalidValue(`${at}.maxSkew`, maxSkew, notPositive))
    if (topologyKey === '') faults.push(required(`${at}.topologyKey`, 'can not be empty'))
    if (whenUnsatisfiable !== 'DoNotSchedule' && whenUnsatisfiable !== 'ScheduleAnyway')
      faults.push(notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']))
    if (last.get(alike[index] as string) !== index)
      faults.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`))
    checkMinDomains(faults, constraint.minDomains, whenUnsatisfiable, `${at}.minDomains`)
    checkSupported(faults, constraint.nodeAffinityPolicy, ['Honor', 'Ignore'], `${at}.nodeAffinityPolicy`)
    checkSupported(faults, constraint.nodeTaintsPolicy, ['Honor', 'Ignore'], `${at}.nodeTaintsPolicy`)
    checkMatchLabelKeys(faults, constraint, `${at}.matchLabelKeys`)
    checkLabelSelector(faults, constraint.labelSelector, `${at}.labelSelector`)
  })
}

const checkMinDomains = (faults: Faults, minDomains: number | undefined, action: string, path: string): void => {
  if (minDomains === undefined) return
  if (minDomains <= 0) faults.push(invalidValue(path, minDomains, notPositive))
  if (action !== 'DoNotSchedule')
    faults.push(invalidValue(path, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`))
}

const checkMatchLabelKeys = (faults: Faults, { matchLabelKeys = [], labelSelector }: TopologySpreadConstraint, path: string): void => {
  if (matchLabelKeys.length === 0) return
  if (labelSelector === undefined) faults.push(forbiddenField(path, 'must not be specified when labelSelector is not set'))
  const selected = new Set([
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map((each) => each.key ?? ''),
  ])
  matchLabelKeys.forEach((key, index) => {
    checkLabelName(faults, key, `${path}[${index}]`)
    if (selected.has(key)) faults.push(invalidValue(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'))
  })
}
