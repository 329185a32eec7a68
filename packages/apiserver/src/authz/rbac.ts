import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from '@skiff/api'
import type { Identity } from '@skiff/client'
import type { Attributes, Authorizer } from '../authorize.ts'
import type { Cache } from '../registry/cache.ts'
import { entriesOf } from '../registry/tree.ts'

/** The caches that RBAC is read from. */
export interface RbacSources {
  readonly roles: Cache
  readonly roleBindings: Cache
  readonly clusterRoles: Cache
  readonly clusterRoleBindings: Cache
}

/** A binding's grant: where it holds ('' everywhere), which role's rules it gives, and how both are called in a reason. */
interface Grant {
  readonly binding: string
  readonly subject: string
  readonly namespace: string
  readonly roleKey: string
}

interface Index {
  /** By `u:name`, `g:group` or `s:namespace:name`. */
  readonly grants: ReadonlyMap<string, readonly Grant[]>
  /** By `namespace/name`, or `/name` for a cluster role. */
  readonly rules: ReadonlyMap<string, readonly CompiledRule[]>
}

export interface CompiledRule {
  readonly source: PolicyRule
  readonly verbs: ReadonlySet<string>
  readonly groups: ReadonlySet<string>
  readonly resources: ReadonlySet<string>
  readonly names: ReadonlySet<string> | undefined
  readonly paths: readonly string[]
}

const compileRule = (rule: PolicyRule): CompiledRule => ({
  source: rule,
  verbs: new Set(rule.verbs),
  groups: new Set(rule.apiGroups ?? []),
  resources: new Set(rule.resources ?? []),
  names: rule.resourceNames && rule.resourceNames.length > 0 ? new Set(rule.resourceNames) : undefined,
  paths: rule.nonResourceURLs ?? [],
})

const buildIndex = (sources: RbacSources): Index => {
  const grants = new Map<string, Grant[]>()
  const rules = new Map<string, readonly CompiledRule[]>()
  const grant = (subjects: RoleBinding['subjects'], given: Omit<Grant, 'subject'>, bindingNamespace: string) => {
    for (const subject of subjects ?? []) {
      const key =
        subject.kind === 'User'
          ? `u:${subject.name}`
          : subject.kind === 'Group'
            ? `g:${subject.name}`
            : `s:${subject.namespace ?? bindingNamespace}:${subject.name}`
      const name = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? ''}` : subject.name
      const made = { ...given, subject: `${subject.kind} ${JSON.stringify(name)}` }
      const held = grants.get(key)
      if (held) held.push(made)
      else grants.set(key, [made])
    }
  }
  for (const { object } of entriesOf(sources.clusterRoles.tree))
    rules.set(`/${object.metadata.name}`, ((object as ClusterRole).rules ?? []).map(compileRule))
  for (const { object } of entriesOf(sources.roles.tree))
    rules.set(`${object.metadata.namespace}/${object.metadata.name}`, ((object as Role).rules ?? []).map(compileRule))
  for (const { object } of entriesOf(sources.clusterRoleBindings.tree)) {
    const binding = object as ClusterRoleBinding
    grant(
      binding.subjects,
      { namespace: '', roleKey: `/${binding.roleRef.name}`, binding: `ClusterRoleBinding ${JSON.stringify(binding.metadata.name)}` },
      '',
    )
  }
  for (const { object } of entriesOf(sources.roleBindings.tree)) {
    const binding = object as RoleBinding
    const namespace = binding.metadata.namespace ?? ''
    const roleKey = binding.roleRef.kind === 'Role' ? `${namespace}/${binding.roleRef.name}` : `/${binding.roleRef.name}`
    grant(
      binding.subjects,
      { namespace, roleKey, binding: `RoleBinding ${JSON.stringify(`${binding.metadata.name}/${namespace}`)}` },
      namespace,
    )
  }
  return { grants, rules }
}

const subjectKeys = (identity: Identity): string[] => {
  const keys = [`u:${identity.name}`, ...identity.groups.map((group) => `g:${group}`)]
  const account = /^system:serviceaccount:([^:]+):(.+)$/.exec(identity.name)
  if (account) keys.push(`s:${account[1]}:${account[2]}`)
  return keys
}

const covers = (rule: CompiledRule, attributes: Attributes): boolean => {
  if (!rule.verbs.has(attributes.verb) && !rule.verbs.has('*')) return false
  if (attributes.path !== undefined)
    return rule.paths.some(
      (path) =>
        path === attributes.path || path === '*' || (path.endsWith('*') && (attributes.path as string).startsWith(path.slice(0, -1))),
    )
  if (!rule.groups.has(attributes.group) && !rule.groups.has('*')) return false
  if (!coversResource(rule, attributes)) return false
  return rule.names === undefined || rule.names.has(attributes.name)
}

const coversResource = ({ resources }: CompiledRule, { resource, subresource }: Attributes): boolean => {
  if (resources.has('*')) return true
  if (subresource === '') return resources.has(resource)
  return resources.has(`${resource}/${subresource}`) || resources.has(`*/${subresource}`)
}

export interface Rbac {
  readonly authorize: Authorizer
  /** Upstream's text of what allows a request: of a binding, its role and its subject. */
  readonly why: (attributes: Attributes) => string
  /** Whether the rules of one role (`/name` for a cluster role) cover a request, whoever makes it. */
  covers(roleKey: string, attributes: Attributes): boolean
  /** All rules that hold for an identity in a namespace ('' for cluster-wide ones alone). */
  rulesFor(identity: Identity, namespace: string): readonly PolicyRule[]
  /** The rules of a role: `/name` for a cluster role, `namespace/name` for a role. */
  rulesOf(roleKey: string): readonly PolicyRule[]
}

/**
 * RBAC over the stored objects: an index per subject, built again after a change when the next question comes. Members of
 * system:masters may do everything, as upstream's privileged group may.
 */
export const createRbac = (sources: RbacSources): Rbac => {
  let index: Index | undefined
  /** What an identity holds, by namespace, as of `index`. Identities are values that never change. */
  let held = new WeakMap<Identity, Map<string, readonly CompiledRule[]>>()
  const forget = () => {
    index = undefined
    held = new WeakMap()
  }
  for (const cache of Object.values(sources) as Cache[]) cache.listeners.add(forget)
  const current = (): Index => {
    index ??= buildIndex(sources)
    return index
  }
  const collect = (identity: Identity, namespace: string): readonly CompiledRule[] => {
    const { grants, rules } = current()
    const found: CompiledRule[] = []
    for (const key of subjectKeys(identity))
      for (const grant of grants.get(key) ?? [])
        if (grant.namespace === '' || grant.namespace === namespace) found.push(...(rules.get(grant.roleKey) ?? []))
    return found
  }
  const rulesOfIdentity = (identity: Identity, namespace: string): readonly CompiledRule[] => {
    let byNamespace = held.get(identity)
    if (!byNamespace) {
      byNamespace = new Map()
      held.set(identity, byNamespace)
    }
    const known = byNamespace.get(namespace)
    if (known) return known
    const made = collect(identity, namespace)
    if (byNamespace.size >= maxNamespaces) byNamespace.clear()
    byNamespace.set(namespace, made)
    return made
  }
  return {
    authorize: (attributes) => {
      if (attributes.identity.groups.includes('system:masters')) return allowed
      for (const rule of rulesOfIdentity(attributes.identity, attributes.namespace)) if (covers(rule, attributes)) return allowed
      return refused
    },
    why: (attributes) => {
      const { identity, namespace } = attributes
      const { grants, rules } = current()
      const held = subjectKeys(identity).flatMap((key) => grants.get(key) ?? [])
      // Upstream asks the cluster's bindings first.
      const asked = [
        ...held.filter((grant) => grant.namespace === ''),
        ...held.filter((grant) => grant.namespace === namespace && namespace),
      ]
      const by = asked.find((grant) => rules.get(grant.roleKey)?.some((rule) => covers(rule, attributes)))
      if (!by || identity.groups.includes('system:masters')) return ''
      const name = by.roleKey.slice(by.roleKey.indexOf('/') + 1)
      const role = by.roleKey.startsWith('/') ? 'ClusterRole' : 'Role'
      return `RBAC: allowed by ${by.binding} of ${role} ${JSON.stringify(name)} to ${by.subject}`
    },
    covers: (roleKey, attributes) => (current().rules.get(roleKey) ?? []).some((rule) => covers(rule, attributes)),
    rulesFor: (identity, namespace) => [...new Set(rulesOfIdentity(identity, namespace).map((rule) => rule.source))],
    rulesOf: (roleKey) => (current().rules.get(roleKey) ?? []).map((rule) => rule.source),
  }
}

/** Namespaces remembered for one identity. */
const maxNamespaces = 256

const allowed = { allowed: true, reason: '' }
const refused = { allowed: false, reason: '' }
