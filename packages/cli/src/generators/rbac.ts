import type { RestMapping } from '@skiff/client'
import type { JsonObject } from '@skiff/machinery'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { type Generator, named } from './generator.ts'
import { nameArgument, pairs, subject } from './words.ts'

const apiVersion = 'rbac.authorization.k8s.io/v1'

/** A resource that the server has; kubectl tells of one that it has not without `error: `. */
const served = (mapping: RestMapping, type: string) => {
  try {
    return mapping.resource(type)
  } catch (error) {
    throw new ManyErrors([error])
  }
}

/** One rule for each group among --resource, as kubectl makes them. */
const rulesOf = async ({ session, flags }: Invocation): Promise<JsonObject[]> => {
  const verbs = [
    ...new Set(
      flags
        .list('verb')
        .map((verb) => verb.trim())
        .filter((verb) => verb !== ''),
    ),
  ]
  if (verbs.length === 0) throw new UsageError('at least one verb must be specified')
  const urls = flags.list('non-resource-url')
  const words = flags.list('resource').filter((word) => word !== '')
  if (words.length === 0 && urls.length === 0) throw new UsageError(urls ? 'at least one resource must be specified' : '')
  const mapping = words.length > 0 ? await session.mapping() : undefined
  const groups = new Map<string, string[]>()
  for (const word of words) {
    const [type = '', part] = word.split('/')
    const { group, plural } = type === '*' || !mapping ? { group: '*', plural: '*' } : served(mapping, type)
    groups.set(group, [...(groups.get(group) ?? []), part ? `${plural}/${part}` : plural])
  }
  const names = flags.list('resource-name')
  const all = verbs.includes('*') ? ['*'] : verbs
  return [
    ...[...groups].map(([group, resources]) => ({
      apiGroups: [group],
      resources,
      ...(names.length > 0 ? { resourceNames: [...names] } : {}),
      verbs: all,
    })),
    ...(urls.length > 0 ? [{ nonResourceURLs: [...urls], verbs: all }] : []),
  ]
}

export const role: Generator = {
  usage: 'NAME --verb=verb --resource=resource.group/subresource [--resource-name=resourcename]',
  flags: ['verb:list', 'resource:list', 'resource-name:array'],
  object: async (invocation) => named(apiVersion, 'Role', nameArgument(invocation), { rules: await rulesOf(invocation) }),
}

export const clusterRole: Generator = {
  usage: 'NAME --verb=verb --resource=resource.group [--resource-name=resourcename]',
  flags: ['verb:list', 'resource:list', 'resource-name:array', 'non-resource-url:list', 'aggregation-rule:string'],
  object: async (invocation) => {
    const aggregation = invocation.flags.text('aggregation-rule')
    const name = nameArgument(invocation)
    if (!aggregation) return named(apiVersion, 'ClusterRole', name, { rules: await rulesOf(invocation) })
    return named(apiVersion, 'ClusterRole', name, {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: pairs([aggregation], 'aggregation rule') }] },
      rules: [],
    })
  },
}

const subjectsOf = ({ flags }: Invocation): JsonObject[] => [
  ...flags.list('user').map((name) => subject('User', name)),
  ...flags.list('group').map((name) => subject('Group', name)),
  ...flags.list('serviceaccount').map((name) => subject('ServiceAccount', name)),
]

const subjectFlags = ['user:array', 'group:array', 'serviceaccount:array']

export const roleBinding: Generator = {
  usage: 'NAME --clusterrole=NAME|--role=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]',
  flags: ['clusterrole:string', 'role:string', ...subjectFlags],
  object: (invocation) => {
    const [clusterRoleName, roleName] = [invocation.flags.text('clusterrole'), invocation.flags.text('role')]
    if (Boolean(clusterRoleName) === Boolean(roleName)) throw new UsageError('exactly one of clusterrole or role must be specified')
    const roleRef = {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: clusterRoleName ? 'ClusterRole' : 'Role',
      name: (clusterRoleName ?? roleName) as string,
    }
    return named(apiVersion, 'RoleBinding', nameArgument(invocation), { roleRef, subjects: subjectsOf(invocation) })
  },
}

export const clusterRoleBinding: Generator = {
  usage: 'NAME --clusterrole=NAME [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname]',
  flags: ['clusterrole:string', ...subjectFlags],
  object: (invocation) => {
    const name = invocation.flags.text('clusterrole')
    if (!name) throw new UsageError('required flag(s) "clusterrole" not set')
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }
    return named(apiVersion, 'ClusterRoleBinding', nameArgument(invocation), { roleRef, subjects: subjectsOf(invocation) })
  },
}
