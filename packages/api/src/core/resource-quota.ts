import { invalidValue, quoted, required } from '@skiff/machinery'
import { collect, type Faults, immutableText, invalidShown, keysOf } from '../checks/faults.ts'
import { goStrings, goStringsOf } from '../checks/go-syntax.ts'
import { checkAmount } from '../checks/requirements.ts'
import { checkQuotaResourceName, isStandardQuotaResource } from '../checks/resource-names.ts'
import { inField, withField } from '../defaults/patch.ts'
import { roundResources } from '../defaults/quantities.ts'
import { resourceQuota as resourceQuotaResource } from '../generated/resources.ts'
import type { ResourceQuota, ResourceQuotaSpec, ScopeSelector } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const scopeNames = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity']
const existsOnly = new Set(['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'])
const computeResources = new Set(['pods', 'cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'])
const conflicting = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

const countsFor = (scope: string, resource: string): boolean => {
  if (scope === 'BestEffort') return resource === 'pods'
  if (['Terminating', 'NotTerminating', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity'].includes(scope))
    return computeResources.has(resource)
  return true
}

const checkAmounts = (faults: Faults, amounts: Readonly<Record<string, string>> | undefined, path: string): void => {
  for (const name of keysOf(amounts)) {
    checkQuotaResourceName(faults, name, `${path}[${name}]`)
    checkAmount(faults, name, amounts, `${path}[${name}]`)
  }
}

const checkScopes = (faults: Faults, spec: ResourceQuotaSpec): void => {
  const scopes = spec.scopes ?? []
  const shown = goStringsOf(spec, 'scopes', 'core.ResourceQuotaScope')
  for (const scope of scopes) {
    if (!scopeNames.includes(scope)) faults.push(invalidShown('spec.scopes', shown, 'unsupported scope'))
    for (const name of keysOf(spec.hard))
      if (isStandardQuotaResource(name) && !countsFor(scope, name))
        faults.push(invalidShown('spec.scopes', shown, 'unsupported scope applied to resource'))
  }
  for (const pair of conflicting)
    if (pair.every((scope) => scopes.includes(scope))) faults.push(invalidShown('spec.scopes', shown, 'conflicting scopes'))
}

const selectorPath = 'spec.scopeSelector.matchExpressions'

const goScopeSelector = (selector: ScopeSelector | undefined): string => {
  const requirements = (selector?.matchExpressions ?? []).map(
    (each) =>
      `core.ScopedResourceSelectorRequirement{ScopeName:${quoted(each.scopeName ?? '')}, Operator:${quoted(each.operator ?? '')}, Values:${goStringsOf(each, 'values')}}`,
  )
  return `core.ScopeSelector{MatchExpressions:[]core.ScopedResourceSelectorRequirement{${requirements.join(', ')}}}`
}

const checkSelector = (faults: Faults, spec: ResourceQuotaSpec): void => {
  const met = new Set<string>()
  for (const { scopeName = '' as string, operator = '' as string, values = [] } of spec.scopeSelector?.matchExpressions ?? []) {
    if (!scopeNames.includes(scopeName)) faults.push(invalidValue(`${selectorPath}.scopeName`, scopeName, 'unsupported scope'))
    for (const name of keysOf(spec.hard))
      if (isStandardQuotaResource(name) && !countsFor(scopeName, name))
        faults.push(invalidShown(selectorPath, goScopeSelector(spec.scopeSelector), 'unsupported scope applied to resource'))
    if (existsOnly.has(scopeName) && operator !== 'Exists')
      faults.push(
        invalidValue(
          `${selectorPath}.operator`,
          operator,
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      )
    checkOperator(faults, operator, values)
    met.add(scopeName)
  }
  for (const pair of conflicting)
    if (pair.every((scope) => met.has(scope)))
      faults.push(invalidShown(selectorPath, goStringsOf(spec, 'scopes', 'core.ResourceQuotaScope'), 'conflicting scopes'))
}

const checkOperator = (faults: Faults, operator: string, values: readonly string[]): void => {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      faults.push(required(`${selectorPath}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      faults.push(
        invalidShown(
          `${selectorPath}.values`,
          goStrings(values),
          "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
        ),
      )
  } else faults.push(invalidValue(`${selectorPath}.operator`, operator, 'not a valid selector operator'))
}

const checkSpec = (faults: Faults, spec: ResourceQuotaSpec): void => {
  checkAmounts(faults, spec.hard, 'spec.hard')
  checkScopes(faults, spec)
  checkSelector(faults, spec)
}

const scopeSet = (spec: ResourceQuotaSpec): string => [...new Set(spec.scopes)].sort().join()

export const resourceQuota = defineKind<ResourceQuota>(resourceQuotaResource, {
  generation: false,
  default: (object) => withField(object, 'spec', inField(object.spec, 'hard', roundResources)),
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkSpec(faults, next.spec)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkSpec(faults, next.spec)
      if (scopeSet(next.spec) !== scopeSet(old.spec))
        faults.push(invalidShown('spec.scopes', goStringsOf(next.spec, 'scopes', 'core.ResourceQuotaScope'), immutableText))
    }),
  subresources: {
    status: {
      prepareForUpdate: (next, old) => ({ ...next, spec: old.spec }),
      validateUpdate: (next) =>
        collect((faults) => {
          checkAmounts(faults, next.status?.hard, 'status.hard')
          checkAmounts(faults, next.status?.used, 'status.used')
        }),
    },
  },
})
