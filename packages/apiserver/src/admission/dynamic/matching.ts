import type { Kind, LabelSelector, MatchResources, NamedRuleWithOperations, RuleWithOperations } from '@skiff/api'
import { compileLabelSelector, type KubeObject, notFound } from '@skiff/machinery'
import { find } from '../../registry/tree.ts'
import type { AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'

/** Which requests a webhook, a policy or a policy's binding is for. */
export interface Target {
  readonly rules: readonly RuleWithOperations[]
  /** Requests that these match are left out. */
  readonly except?: readonly NamedRuleWithOperations[] | undefined
  readonly namespaceSelector: LabelSelector | undefined
  readonly objectSelector: LabelSelector | undefined
  /** Equivalent: a request for another version of the same objects matches too. */
  readonly matchPolicy: string | undefined
}

export const targetOf = (match: MatchResources | undefined): Target => ({
  rules: match?.resourceRules ?? [],
  except: match?.excludeResourceRules,
  namespaceSelector: match?.namespaceSelector,
  objectSelector: match?.objectSelector,
  matchPolicy: match?.matchPolicy,
})

/** The kind in whose version the target wants to see the request's objects; undefined where the request is not for it. */
export const matchTarget = async (sources: AdmissionSources, target: Target, request: AdmissionRequest): Promise<Kind | undefined> => {
  // Rules first: they are cheap, and without a match nothing is read.
  const kind = matchRules(sources, target, request)
  if (!kind || !matchesObject(target.objectSelector, request)) return undefined
  return (await matchesNamespace(sources, target.namespaceSelector, request)) ? kind : undefined
}

const matchRules = (sources: AdmissionSources, target: Target, request: AdmissionRequest): Kind | undefined => {
  const { rules, except = [], matchPolicy } = target
  const asked = request.kind.askedAs ?? request.kind
  const kinds = matchPolicy === 'Exact' ? [asked] : equivalents(sources, asked)
  if (except.some((rule) => kinds.some((kind) => matchRule(rule, kind, request)))) return undefined
  // The version that was asked for comes first.
  return kinds.find((kind) => rules.some((rule) => matchRule(rule, kind, request)))
}

const equivalents = ({ registry }: AdmissionSources, kind: Kind): readonly Kind[] => [
  kind,
  ...registry.all().filter((other) => other !== kind && other.storedAs === kind.storedAs),
]

const has = (list: readonly string[] | undefined, value: string): boolean => list?.some((each) => each === '*' || each === value) ?? false

const matchRule = (rule: NamedRuleWithOperations, kind: Kind, { verb, subresource, name }: AdmissionRequest): boolean =>
  has(rule.operations, verb.toUpperCase()) &&
  has(rule.apiGroups, kind.group) &&
  has(rule.apiVersions, kind.version) &&
  (rule.resources ?? []).some((each) => matchResource(each, kind.plural, subresource ?? '')) &&
  (rule.scope === undefined || rule.scope === '*' || (rule.scope === 'Namespaced') === (kind.namespaced && kind.plural !== 'namespaces')) &&
  (!rule.resourceNames?.length || rule.resourceNames.includes(name))

/** A star for the subresource means none as well. */
const matchResource = (pattern: string, plural: string, subresource: string): boolean => {
  const [resource = '', part = ''] = pattern.split('/')
  return (resource === '*' || resource === plural) && (part === '*' || part === subresource)
}

const isEmpty = (selector: LabelSelector | undefined): boolean =>
  selector === undefined || (!selector.matchExpressions?.length && Object.keys(selector.matchLabels ?? {}).length === 0)

/** Either state of the object may carry the labels. */
const matchesObject = (selector: LabelSelector | undefined, { object, old }: AdmissionRequest): boolean => {
  if (isEmpty(selector)) return true
  const { matches } = compileLabelSelector(selector)
  return [object, old].some((each) => each !== undefined && matches(each.metadata?.labels ?? {}))
}

const matchesNamespace = async (
  sources: AdmissionSources,
  selector: LabelSelector | undefined,
  request: AdmissionRequest,
): Promise<boolean> => {
  if (isEmpty(selector)) return true
  const labels = await namespaceLabels(sources, request)
  return labels === undefined || compileLabelSelector(selector).matches(labels)
}

/** Of the namespace that the request is in, or is about; undefined for what is in none. */
const namespaceLabels = async (
  sources: AdmissionSources,
  request: AdmissionRequest,
): Promise<Readonly<Record<string, string>> | undefined> => {
  const { kind, object, old } = request
  if (kind.group === '' && kind.plural === 'namespaces') return (object ?? old)?.metadata.labels ?? {}
  const namespace = await namespaceOf(sources, request)
  return namespace && (namespace.metadata.labels ?? {})
}

/** The namespace that a request is in. Throws a Refusal where there is none of that name. */
export const namespaceOf = async ({ registry, storage }: AdmissionSources, request: AdmissionRequest): Promise<KubeObject | undefined> => {
  const { kind, namespace } = request
  if (!kind.namespaced || !namespace || (kind.group === '' && kind.plural === 'namespaces')) return undefined
  const cache = await storage.cache(registry.find('', 'v1', 'namespaces') as Kind)
  const entry = find(cache.tree, namespace)
  if (!entry) throw notFound({ group: '', resource: 'namespaces' }, namespace)
  return entry.object
}

/** What configures admission is judged by none of it, or nobody could mend a wrong configuration. */
export const isExempt = ({ group, kind }: Kind): boolean => group === 'admissionregistration.k8s.io' && configurations.has(kind)
const configurations = new Set([
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
])
