import type { Call, Identity } from '@skiff/client'
import { parseFieldSelector, Refusal } from '@skiff/machinery'

/** What an authorizer decides on: upstream's authorizer.Attributes. */
export interface Attributes {
  readonly identity: Identity
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  /** Set for requests that are not about resources; the resource fields are then empty. */
  readonly path?: string
}

export interface Decision {
  readonly allowed: boolean
  /** For the refusal's text; usually empty. */
  readonly reason: string
}

/** Answers at once: rules are compiled to an index in memory. */
export type Authorizer = (attributes: Attributes) => Decision

/** RBAC's verbs for calls that pass a connection on. */
export const connectVerbs: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

export const attributesOf = (call: Call): Attributes => ({
  identity: call.identity,
  verb:
    call.misplaced && call.method && call.method !== 'HEAD'
      ? ''
      : call.verb === 'connect'
        ? (connectVerbs[call.method ?? 'GET'] ?? 'get')
        : call.verb,
  group: call.group,
  version: call.version,
  resource: call.resource,
  subresource: call.subresource ?? '',
  namespace: call.namespace ?? namespaceNamed(call),
  name: call.name ?? nameSelected(call),
})

/** A call on a namespace is one in that namespace, so that its own roles may grant it. */
const namespaceNamed = ({ group, resource, name }: Call): string => (group === '' && resource === 'namespaces' && name) || ''

/** A list or watch of one name is decided on as that name, so that a role for a single object is enough. */
const nameSelected = ({ verb, query }: Call): string => {
  const { fieldSelector } = query
  if (typeof fieldSelector !== 'string' || (verb !== 'list' && verb !== 'watch') || !fieldSelector.includes('metadata.name')) return ''
  try {
    const name = parseFieldSelector(fieldSelector).exact('metadata.name') ?? ''
    return /^\.{1,2}$|[/%]/.test(name) ? '' : name
  } catch {
    return ''
  }
}

/** What an authorizer refused: upstream sends it with a header of its own. */
export class Denied extends Refusal {}

/** Upstream's refusal: `pods "a" is forbidden: User "u" cannot get resource "pods" in API group "" in the namespace "n"`. */
export const forbiddenBy = (attributes: Attributes, decision: Decision): Refusal => {
  const { identity, verb, group, resource, subresource, namespace, name, path } = attributes
  const because = decision.reason ? `: ${decision.reason}` : ''
  const user = JSON.stringify(identity.name)
  if (path !== undefined) {
    const text = `User ${user} cannot ${verb} path ${JSON.stringify(path)}${because}`
    return new Denied(403, 'Forbidden', `forbidden: ${text}`, {})
  }
  const what = subresource ? `${resource}/${subresource}` : resource
  const where = namespace ? ` in the namespace ${JSON.stringify(namespace)}` : ' at the cluster scope'
  const text = `User ${user} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)}${where}${because}`
  const qualified = group === '' ? resource : `${resource}.${group}`
  const message = name ? `${qualified} ${JSON.stringify(name)} is forbidden: ${text}` : `${qualified} is forbidden: ${text}`
  return new Denied(403, 'Forbidden', message, { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource })
}
