import { isDeepStrictEqual } from 'node:util'
import type { ClusterRole, PolicyRule, Role, RoleBinding } from '@skiff/api'
import { forbidden, type KubeObject, notFound } from '@skiff/machinery'
import { everything, grantComplaint } from '../authz/cover.ts'
import { namedOf } from '../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { type Lookup, lookup } from './lookup.ts'
import type { AdmissionSources } from './sources.ts'

const group = 'rbac.authorization.k8s.io'

/** Nobody grants what they do not hold, unless they may `escalate` the role or `bind` it. Upstream keeps this in RBAC's storage. */
export const escalation = (sources: AdmissionSources): AdmissionPlugin => {
  const roles = lookup<Role>(sources, group, 'v1', 'roles')
  const clusterRoles = lookup<ClusterRole>(sources, group, 'v1', 'clusterroles')
  return {
    name: 'RBACEscalation',
    validate: (request) => {
      const { kind, verb, identity, object, old } = request
      if (kind.group !== group || !object || (verb !== 'create' && verb !== 'update')) return undefined
      if (identity.groups.includes('system:masters')) return undefined
      if (old && onlyCollectorsFields(object, old)) return undefined
      if (kind.plural === 'roles' || kind.plural === 'clusterroles') return checkRole(sources, request)
      return checkBinding(sources, request, roles, clusterRoles)
    },
  }
}

/** Garbage collection may always let go of an object. */
const onlyCollectorsFields = (next: KubeObject, old: KubeObject): boolean => {
  const without = ({ metadata, ...rest }: KubeObject) => {
    const { ownerReferences: _a, finalizers: _b, managedFields: _c, resourceVersion: _d, ...kept } = metadata
    return { ...rest, metadata: kept }
  }
  return isDeepStrictEqual(without(next), without(old))
}

const may = (
  { rbac }: AdmissionSources,
  { identity, namespace }: AdmissionRequest,
  verb: string,
  resource: string,
  name: string,
): boolean => rbac.authorize({ identity, verb, group, version: '*', resource, subresource: '', namespace: namespace ?? '', name }).allowed

const checkRole = (sources: AdmissionSources, request: AdmissionRequest): undefined => {
  const { kind, object, old, name } = request
  if (may(sources, request, 'escalate', kind.plural, name)) return undefined
  refuseMissing(sources, request, (object as Role).rules ?? [])
  const aggregates = (role: KubeObject | undefined) =>
    ((role as ClusterRole | undefined)?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0
  if (kind.plural === 'clusterroles' && (aggregates(object) || aggregates(old)) && complaint(sources, request, everything) !== undefined)
    throw forbidden(namedOf(kind), name, 'must have cluster-admin privileges to use the aggregationRule')
  return undefined
}

const complaint = (
  { rbac }: AdmissionSources,
  { identity, namespace }: AdmissionRequest,
  wanted: readonly PolicyRule[],
): string | undefined => grantComplaint(identity, rbac.rulesFor(identity, namespace ?? ''), wanted)

const refuseMissing = (sources: AdmissionSources, request: AdmissionRequest, wanted: readonly PolicyRule[]): void => {
  const text = complaint(sources, request, wanted)
  if (text !== undefined) throw forbidden(namedOf(request.kind), request.name, text)
}

const checkBinding = async (
  sources: AdmissionSources,
  request: AdmissionRequest,
  roles: Lookup<Role>,
  clusterRoles: Lookup<ClusterRole>,
): Promise<undefined> => {
  const { roleRef } = request.object as RoleBinding
  const ofCluster = roleRef.kind === 'ClusterRole'
  const resource = ofCluster ? 'clusterroles' : 'roles'
  if (may(sources, request, 'bind', resource, roleRef.name)) return undefined
  const role = ofCluster ? await clusterRoles.get(roleRef.name) : await roles.get(`${request.namespace}/${roleRef.name}`)
  if (!role) throw notFound({ group, resource }, roleRef.name)
  refuseMissing(sources, request, role.rules ?? [])
  return undefined
}
