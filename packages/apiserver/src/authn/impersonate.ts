import type { Identity } from '@skiff/client'
import { Refusal } from '@skiff/machinery'
import { type Attributes, type Authorizer, forbiddenBy } from '../authorize.ts'
import { plainFailure } from '../plain-failure.ts'
import type { Incoming } from '../serve/messages.ts'

const extraPrefix = 'impersonate-extra-'

/** The identity that Impersonate-* headers ask for, each part of which `identity` must be allowed to impersonate. */
export const impersonated = (headers: Incoming['headers'], identity: Identity, authorize: Authorizer): Identity => {
  const user = (headers['impersonate-user'] as string | undefined) || undefined
  const groups = list(headers['impersonate-group'])
  const uid = (headers['impersonate-uid'] as string | undefined) || undefined
  const extra = extraOf(headers)
  if (user === undefined && groups.length === 0 && uid === undefined && Object.keys(extra).length === 0) return identity
  if (user === undefined) throw plainFailure(`requested [${asReferences(groups, extra, uid).join(' ')}] without impersonating a user`)
  const allow = (resource: string, name: string, more: Partial<Attributes> = {}) => {
    const attributes: Attributes = {
      identity,
      verb: 'impersonate',
      group: '',
      version: 'v1',
      resource,
      subresource: '',
      namespace: '',
      name,
      ...more,
    }
    const decision = authorize(attributes)
    if (!decision.allowed) throw forbiddenBy(attributes, decision)
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user)
  if (account) allow('serviceaccounts', account[2] as string, { namespace: account[1] as string })
  else allow('users', user)
  for (const group of groups) allow('groups', group)
  if (uid !== undefined) allow('uids', uid, { group: 'authentication.k8s.io' })
  for (const [key, values] of Object.entries(extra))
    for (const value of values) allow('userextras', value, { group: 'authentication.k8s.io', subresource: key })
  const implied = account && groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : groups
  return {
    name: user,
    groups: withStanding(user, implied),
    ...(uid !== undefined ? { uid } : {}),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  }
}

/** Object references as Go prints them: what is asked for beside a user. */
const asReferences = (
  groups: readonly string[],
  extra: Readonly<Record<string, readonly string[]>>,
  uid: string | undefined,
): readonly string[] => [
  ...groups.map((group) => `{Group  ${group}    }`),
  ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => `{UserExtra  ${value}  authentication.k8s.io/v1  ${key}}`)),
  ...(uid === undefined ? [] : [`{UID  ${uid}  authentication.k8s.io/v1  }`]),
]

/** Whether the user counts as known is said by a group, which is added unless one of the two is asked for. */
const withStanding = (user: string, groups: readonly string[]): readonly string[] => {
  const [known, unknown] = ['system:authenticated', 'system:unauthenticated']
  if (groups.includes(unknown)) return groups
  if (user === 'system:anonymous') return [...groups, unknown]
  return groups.includes(known) ? groups : [...groups, known]
}

/** Node joins repeated headers with a comma and a blank. */
const list = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : value.split(', ')

const extraOf = (headers: Incoming['headers']): Record<string, readonly string[]> => {
  const extra: Record<string, readonly string[]> = {}
  for (const name of Object.keys(headers)) {
    if (!name.startsWith(extraPrefix)) continue
    try {
      extra[decodeURIComponent(name.slice(extraPrefix.length))] = list(headers[name])
    } catch {
      throw new Refusal(400, 'BadRequest', `invalid header name ${name}`)
    }
  }
  return extra
}
