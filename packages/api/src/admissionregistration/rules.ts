import { duplicate, invalidValue, nameIsPathSegment, notSupported, repeats, required } from '@skiff/machinery'
import { addInvalid, checkSupported, type Faults, invalidShown } from '../checks/faults.ts'
import { goStrings } from '../checks/go-syntax.ts'
import type { NamedRuleWithOperations, RuleWithOperations } from '../generated/types.ts'

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']

/** Which requests a webhook or a policy is for. */
export const checkRule = (faults: Faults, rule: RuleWithOperations, path: string): void => {
  const given = rule.operations ?? []
  checkAny(faults, given, `${path}.operations`, 'operations', 'admissionregistration.OperationType')
  given.forEach((operation, index) => {
    if (!operations.includes(operation)) faults.push(notSupported(`${path}.operations[${index}]`, operation, operations))
  })
  checkAny(faults, rule.apiGroups, `${path}.apiGroups`, 'API groups')
  checkAny(faults, rule.apiVersions, `${path}.apiVersions`, 'API versions')
  rule.apiVersions?.forEach((version, index) => {
    if (version === '') faults.push(required(`${path}.apiVersions[${index}]`))
  })
  checkResources(faults, rule.resources ?? [], `${path}.resources`)
  checkSupported(faults, rule.scope, ['*', 'Cluster', 'Namespaced'], `${path}.scope`)
}

/** A star stands alone. */
const checkAny = (faults: Faults, list: readonly string[] = [], path: string, what: string, type = 'string'): void => {
  if (list.length === 0) faults.push(required(path))
  if (list.length > 1 && list.includes('*'))
    faults.push(invalidShown(path, goStrings(list, type), `if '*' is present, must not specify other ${what}`))
}

const checkResources = (faults: Faults, resources: readonly string[], path: string): void => {
  if (resources.length === 0) faults.push(required(path))
  /** Resources of which all subresources are named already, and subresources named for all resources. */
  const whole = new Set<string>()
  const everywhere = new Set<string>()
  let plain = false
  resources.forEach((each, index) => {
    const at = `${path}[${index}]`
    const slash = each.indexOf('/')
    if (each === '') faults.push(required(at))
    else if (slash < 0) plain = each !== '*'
    else {
      const [resource, part] = [each.slice(0, slash), each.slice(slash + 1)]
      if (whole.has(resource)) faults.push(invalidValue(at, each, `if '${resource}/*' is present, must not specify ${each}`))
      if (everywhere.has(part)) faults.push(invalidValue(at, each, `if '*/${part}' is present, must not specify ${each}`))
      if (part === '*') whole.add(resource)
      if (resource === '*') everywhere.add(part)
    }
  })
  if (resources.length > 1 && resources.includes('*/*'))
    faults.push(invalidShown(path, goStrings(resources), "if '*/*' is present, must not specify other resources"))
  if (plain && resources.includes('*'))
    faults.push(invalidShown(path, goStrings(resources), "if '*' is present, must not specify other resources without subresources"))
}

export const checkNamedRule = (faults: Faults, rule: NamedRuleWithOperations, path: string): void => {
  const again = repeats(rule.resourceNames ?? [])
  rule.resourceNames?.forEach((name, index) => {
    const at = `${path}.resourceNames[${index}]`
    addInvalid(faults, nameIsPathSegment(name, false), name, at)
    if (again.has(index)) faults.push(duplicate(at, name))
  })
  checkRule(faults, rule, path)
}
