import { compileLabelSelector, type JsonObject, sameJson } from '@skiff/machinery'
import { type Dynamic, listAt, withAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { changeObjects, setFlags, withPodSpec } from './pod-spec.ts'

const readLabels = (text: string): JsonObject => {
  const labels: Record<string, string> = {}
  for (const part of text.split(',')) {
    const [key = '', value] = part.split(/==?/)
    if (value === undefined || part.includes('!=')) throw new UsageError(`match expression ${part} not supported on this object`)
    labels[key.trim()] = value.trim()
  }
  compileLabelSelector({ matchLabels: labels })
  return labels
}

export const selector: Verb = {
  usage: '(-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]',
  flags: [...setFlags, 'resource-version:string'],
  run: async (invocation) => {
    const { flags, args } = invocation
    const expression = args.at(-1)
    if (expression === undefined) throw new UsageError('one selector is required')
    const labels = readLabels(expression)
    return changeObjects(invocation, {
      words: args.slice(0, -1),
      done: 'selector updated',
      failed: '',
      always: true,
      bare: true,
      next: (object) => {
        if (object.kind !== 'Service') throw new UsageError('setting a selector is only supported for Services')
        const next = withAt(object, 'spec.selector', labels)
        const version = flags.text('resource-version')
        return (version ? withAt(next, 'metadata.resourceVersion', version) : next) as Dynamic
      },
    })
  },
}

export const serviceaccount: Verb = {
  usage: '(-f FILENAME | TYPE NAME) SERVICE_ACCOUNT',
  flags: setFlags,
  run: async (invocation) => {
    const name = invocation.args.at(-1)
    if (name === undefined) throw new UsageError('serviceaccount is required')
    return changeObjects(invocation, {
      words: invocation.args.slice(0, -1),
      done: 'serviceaccount updated',
      failed: 'failed to patch ServiceAccountName',
      always: true,
      next: (object) => withPodSpec(object, (spec) => ({ ...spec, serviceAccountName: name })),
    })
  },
}

const rbac = 'rbac.authorization.k8s.io'

export const subject: Verb = {
  usage:
    '(-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none]',
  flags: [...setFlags, 'user:array', 'group:array', 'serviceaccount:array'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const sorted = (name: string): string[] => [...new Set(flags.list(name))].sort()
    const [users, groups, accounts] = [sorted('user'), sorted('group'), sorted('serviceaccount')]
    if (flags.bool('all') && flags.text('selector')) throw new UsageError('cannot set --all and --selector at the same time')
    if (users.length + groups.length + accounts.length === 0)
      throw new UsageError('you must specify at least one value of user, group or serviceaccount')
    const { namespace } = await session.connect()
    const named = accounts.map((account): JsonObject => {
      const [where = '', name = '', ...more] = account.split(':')
      if (name === '' || more.length > 0) throw new UsageError('serviceaccount must be <namespace>:<name>')
      return { kind: 'ServiceAccount', name, namespace: where || namespace }
    })
    const subjects: readonly JsonObject[] = [
      ...users.map((name) => ({ apiGroup: rbac, kind: 'User', name })),
      ...groups.map((name) => ({ apiGroup: rbac, kind: 'Group', name })),
      ...named,
    ]
    return changeObjects(invocation, {
      words: args,
      done: 'subjects updated',
      failed: 'failed to patch subjects to rolebinding:',
      next: (object) => {
        if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding')
          throw new UsageError('setting subjects is only supported for RoleBinding/ClusterRoleBinding')
        const held = listAt(object, 'subjects')
        const missing = subjects.filter((each) => !held.some((one) => sameJson(one, each)))
        return missing.length === 0 ? object : ({ ...object, subjects: [...held, ...missing] } as unknown as Dynamic)
      },
    })
  },
}
