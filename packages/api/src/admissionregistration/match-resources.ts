import { required } from '@skiff/machinery'
import { checkOneOf, type Faults } from '../checks/faults.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import type { MatchResources } from '../generated/types.ts'
import { checkNamedRule } from './rules.ts'

/** Which requests a policy, or a binding of one, is for. */
export const checkMatchResources = (faults: Faults, match: MatchResources | undefined, path: string): void => {
  if (match === undefined) return
  checkOneOf(faults, match.matchPolicy, ['Equivalent', 'Exact'], `${path}.matchPolicy`)
  for (const field of ['namespaceSelector', 'objectSelector'] as const) {
    if (match[field] === undefined) faults.push(required(`${path}.${field}`))
    checkLabelSelector(faults, match[field], `${path}.${field}`)
  }
  for (const field of ['resourceRules', 'excludeResourceRules'] as const)
    match[field]?.forEach((rule, index) => {
      checkNamedRule(faults, rule, `${path}.${field}[${index}]`)
    })
}
