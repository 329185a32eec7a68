import { invalidValue, nameIsPathSegment, required } from '@skiff/machinery'
import { collect, type Faults, invalidShown } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { clusterRole as clusterRoleResource, role as roleResource } from '../generated/resources.ts'
import type { ClusterRole, PolicyRule, Role } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const checkRule = (faults: Faults, rule: PolicyRule, namespaced: boolean, path: string): void => {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
  if (verbs.length === 0) faults.push(required(`${path}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs.length > 0) {
    const at = `${path}.nonResourceURLs`
    const shown = goStrings(nonResourceURLs)
    if (namespaced) faults.push(invalidShown(at, shown, 'namespaced rules cannot apply to non-resource URLs'))
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      faults.push(invalidShown(at, shown, 'rules cannot apply to both regular resources and non-resource URLs'))
    return
  }
  if (apiGroups.length === 0) faults.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (resources.length === 0) faults.push(required(`${path}.resources`, 'resource rules must supply at least one resource'))
}

export const role = defineKind<Role>(roleResource, {
  generation: false,
  allowCreateOnUpdate: true,
  validateName: nameIsPathSegment,
  createChecksOnUpdate: 2,
  validate: (next) =>
    collect((faults) => {
      next.rules?.forEach((rule, index) => {
        checkRule(faults, rule, true, `rules[${index}]`)
      })
    }),
})

export const clusterRole = defineKind<ClusterRole>(clusterRoleResource, {
  generation: false,
  allowCreateOnUpdate: true,
  validateName: nameIsPathSegment,
  createChecksOnUpdate: 2,
  validate: (next) =>
    collect((faults) => {
      next.rules?.forEach((rule, index) => {
        checkRule(faults, rule, false, `rules[${index}]`)
      })
      if (next.aggregationRule === undefined) return
      const path = 'aggregationRule.clusterRoleSelectors'
      const selectors = next.aggregationRule.clusterRoleSelectors ?? []
      if (selectors.length === 0) faults.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
      selectors.forEach((selector, index) => {
        const before = faults.length
        checkLabelSelector(faults, selector, `${path}[${index}]`)
        if (faults.length > before) faults.push(invalidValue(`${path}[${index}]`, null, 'invalid label selector.'))
      })
    }),
})
