import { nameIsDnsLabel, nameIsDnsSubdomain } from '../names/objectmeta.ts'
import type { CelAuthorizer, CelDecision, CelGroupCheck, CelPathCheck, CelResource, CelResourceCheck, CelRights } from './rights.ts'
import { CelError, type CelFunction, type CelValue, isTagged, noOverload } from './value.ts'

/** The value of the variable `authorizer`; `about` is what `authorizer.requestResource` stands for. */
export const celAuthorizer = (rights: CelRights, about?: CelResource): CelValue => ({
  is: 'authorizer',
  rights,
  ...(about ? { requestResource: { is: 'resourceCheck', rights, resource: about } } : {}),
})

const text = (value: CelValue | undefined): string => (typeof value === 'string' ? value : noOverload())
const filled = (value: CelValue | undefined, what: string): string => {
  if (text(value).trim() === '') throw new CelError(`${what} must not be empty`)
  return text(value)
}
const rightsOf = (value: CelValue | undefined): CelRights =>
  isTagged(value as CelValue, 'authorizer') ? (value as CelAuthorizer).rights : noOverload()
const decision = (value: CelValue | undefined): CelDecision =>
  isTagged(value as CelValue, 'decision') ? (value as CelDecision) : noOverload()

const narrowed =
  (field: 'subresource' | 'namespace' | 'name'): CelFunction =>
  ([check, value]) => {
    const { rights, resource } = resourceCheck(check)
    return { is: 'resourceCheck', rights, resource: { ...resource, [field]: text(value) } }
  }
const resourceCheck = (value: CelValue | undefined): CelResourceCheck =>
  isTagged(value as CelValue, 'resourceCheck') ? (value as CelResourceCheck) : noOverload()

/** Neither RBAC nor the node authorizer looks at selectors, so what they say changes no decision. */
const selecting: CelFunction = ([check, selector]) => {
  text(selector)
  return resourceCheck(check)
}

const nowhere: CelResource = { group: '', resource: '', subresource: '', namespace: '', name: '' }

const checked: CelFunction = ([check, verb]) => {
  if (isTagged(check as CelValue, 'pathCheck')) {
    const { rights, path } = check as CelPathCheck
    return { is: 'decision', ...rights.decide({ ...nowhere, path, verb: text(verb) }) }
  }
  const { rights, resource } = resourceCheck(check)
  return { is: 'decision', ...rights.decide({ ...resource, verb: text(verb) }) }
}

export const authorizerFunctions: Readonly<Record<string, CelFunction>> = {
  path: ([of, path]) => ({ is: 'pathCheck', rights: rightsOf(of), path: filled(path, 'path') }),
  group: ([of, group]) => ({ is: 'groupCheck', rights: rightsOf(of), group: text(group) }),
  serviceAccount: ([of, namespace, name]) => {
    const rights = rightsOf(of)
    if (nameIsDnsSubdomain(text(name), false).length > 0) throw new CelError('Invalid service account name')
    if (nameIsDnsLabel(text(namespace), false).length > 0) throw new CelError('Invalid service account namespace')
    return { is: 'authorizer', rights: rights.ofServiceAccount(text(namespace), text(name)) }
  },
  resource: ([of, resource]) => {
    if (!isTagged(of as CelValue, 'groupCheck')) return noOverload()
    const { rights, group } = of as CelGroupCheck
    return { is: 'resourceCheck', rights, resource: { ...nowhere, group, resource: filled(resource, 'resource') } }
  },
  subresource: narrowed('subresource'),
  namespace: narrowed('namespace'),
  name: narrowed('name'),
  fieldSelector: selecting,
  labelSelector: selecting,
  check: checked,
  // Authorizers here answer from memory and never fail.
  errored: ([of]) => {
    decision(of)
    return false
  },
  error: ([of]) => {
    decision(of)
    return ''
  },
  allowed: ([of]) => decision(of).allowed,
  reason: ([of]) => decision(of).reason,
}
