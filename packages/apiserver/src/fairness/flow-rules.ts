import type { FlowSchema, PolicyRulesWithSubjects, ResourcePolicyRule, FlowcontrolV1Subject as Subject } from '@skiff/api'
import type { Identity } from '@skiff/client'

/** What classification looks at: upstream's RequestInfo. The fields of a resource are empty where `path` is set. */
export interface FlowRequest {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  /** Of a request that names no resource. */
  readonly path?: string
}

/** Whether one of a schema's rules is about a request; the rules that do not speak of the identity are gone already. */
export type RuleMatch = (request: FlowRequest) => boolean

/** The rules of a schema that speak of an identity; undefined where none does. */
export const rulesFor = ({ spec }: FlowSchema, identity: Identity): RuleMatch | undefined => {
  const rules = (spec.rules ?? []).filter(({ subjects }) => subjects?.some((subject) => isSubject(subject, identity)))
  if (rules.length === 0) return undefined
  return (request) => rules.some((rule) => matchesRule(rule, request))
}

const isSubject = (subject: Subject, { name, groups }: Identity): boolean => {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === name
    case 'Group':
      return subject.group?.name === '*' || groups.includes(subject.group?.name ?? '')
    case 'ServiceAccount': {
      const prefix = `system:serviceaccount:${subject.serviceAccount?.namespace ?? ''}:`
      if (!name.startsWith(prefix)) return false
      return subject.serviceAccount?.name === '*' || name.slice(prefix.length) === subject.serviceAccount?.name
    }
    default:
      return false
  }
}

const matchesRule = ({ resourceRules, nonResourceRules }: PolicyRulesWithSubjects, request: FlowRequest): boolean => {
  if (request.path === undefined) return resourceRules?.some((rule) => matchesResource(rule, request)) ?? false
  const { path, verb } = request
  return (
    nonResourceRules?.some((rule) => has(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((url) => matchesPath(url, path))) ?? false
  )
}

const has = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list[0] === '*' || list.includes(wanted) || list.includes('*'))

const matchesResource = (rule: ResourcePolicyRule, { verb, group, resource, subresource, namespace }: FlowRequest): boolean =>
  has(rule.verbs, verb) &&
  has(rule.apiGroups, group) &&
  has(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`) &&
  (namespace === '' ? rule.clusterScope === true : has(rule.namespaces, namespace))

const matchesPath = (url: string, path: string): boolean =>
  url === '*' || url === path || (url.endsWith('/*') && path.startsWith(url.slice(0, -1)))
