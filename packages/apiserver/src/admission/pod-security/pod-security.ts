import type { CronJob, Deployment, Namespace, Pod, PodTemplate } from '@skiff/api'
import { forbidden, invalid, type KubeObject } from '@skiff/machinery'
import { find } from '../../registry/tree.ts'
import { namedOf } from '../../rest/context.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { type Lookup, lookup } from '../lookup.ts'
import type { AdmissionSources } from '../sources.ts'
import type { PodLike } from './check.ts'
import { isSignificant } from './significant.ts'
import { compareLevels, detailText, policyOf, reasonText, type Standard, sameStandard, standardText, violationsOf } from './standard.ts'

const ignoredParts = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])
const annotation = 'pod-security.kubernetes.io/'

/** PodSecurity: what the labels of a namespace ask of its pods is enforced, and told as warnings of pods and of what makes pods. */
export const podSecurity = (sources: AdmissionSources): AdmissionPlugin => {
  const namespaces = lookup<Namespace>(sources, '', 'v1', 'namespaces')
  const pods = lookup<Pod>(sources, '', 'v1', 'pods')
  return {
    name: 'PodSecurity',
    validate: (request) => {
      const { kind, verb, subresource, object } = request
      if ((verb !== 'create' && verb !== 'update') || !object) return undefined
      if (kind.group === '' && kind.plural === 'namespaces')
        return subresource === undefined ? judgeNamespace(request as Judged, pods) : undefined
      const isPod = kind.group === '' && kind.plural === 'pods'
      if (isPod ? ignoredParts.has(subresource ?? '') : subresource !== undefined || !hasTemplate(request)) return undefined
      if (isPod && verb === 'update' && !isSignificant(object as Pod, request.old as Pod)) return undefined
      return judgePods(namespaces, request, isPod)
    },
  }
}

type Judged = AdmissionRequest & { readonly object: Namespace; readonly old: Namespace | undefined }

/** Wrong labels are refused; stricter ones come with what they would have refused of the pods that are there. */
const judgeNamespace = (request: Judged, pods: Lookup<Pod>): undefined | Promise<undefined> => {
  const { object, old, kind } = request
  const { policy, errors } = policyOf(object.metadata.labels)
  const before = policyOf(old?.metadata.labels)
  if (errors.length > 0 && (!old || JSON.stringify(errors) !== JSON.stringify(before.errors)))
    throw invalid(kind, object.metadata.name || request.name, errors)
  const [now, then] = [policy.enforce, before.policy.enforce]
  if (!old || sameStandard(now, then) || now.level === 'privileged') return undefined
  if (now.minor === then.minor && compareLevels(now.level, then.level) <= 0) return undefined
  return warnOfPods(request, pods, now)
}

const mostPods = 3000

const warnOfPods = async ({ object, warnings }: Judged, pods: Lookup<Pod>, standard: Standard): Promise<undefined> => {
  const { name } = object.metadata
  const all = await pods.list(name)
  const byReason = new Map<string, string[]>()
  for (const pod of all.slice(0, mostPods)) {
    const found = violationsOf(standard, pod)
    if (found.length > 0) byReason.set(reasonText(found), [...(byReason.get(reasonText(found)) ?? []), pod.metadata.name])
  }
  if (all.length > mostPods)
    warnings?.push(`new PodSecurity enforce level only checked against the first ${mostPods} of ${all.length} existing pods`)
  if (byReason.size > 0)
    warnings?.push(`existing pods in namespace "${name}" violate the new PodSecurity enforce level "${standardText(standard)}"`)
  const told = [...byReason].map(([reason, names]) => `${firstOf(names)}: ${reason}`)
  warnings?.push(...told.sort())
  return undefined
}

const firstOf = (names: readonly string[]): string => {
  const [first] = [...names].sort()
  if (names.length === 1) return `${first}`
  return names.length === 2 ? `${first} (and 1 other pod)` : `${first} (and ${names.length - 1} other pods)`
}

/** What kinds make pods of. */
type Template = Partial<PodLike>
const templates: Readonly<Record<string, (object: KubeObject) => Template | undefined>> = {
  '/podtemplates': (object) => (object as PodTemplate).template as Template | undefined,
  '/replicationcontrollers': (object) => (object as Deployment).spec.template,
  'apps/daemonsets': (object) => (object as Deployment).spec.template,
  'apps/deployments': (object) => (object as Deployment).spec.template,
  'apps/replicasets': (object) => (object as Deployment).spec.template,
  'apps/statefulsets': (object) => (object as Deployment).spec.template,
  'batch/jobs': (object) => (object as Deployment).spec.template,
  'batch/cronjobs': (object) => (object as CronJob).spec.jobTemplate.spec?.template,
}
const keyOf = ({ kind }: AdmissionRequest): string => `${kind.group}/${kind.plural}`
const hasTemplate = (request: AdmissionRequest): boolean => Object.hasOwn(templates, keyOf(request))

const judgePods = (namespaces: Lookup<Namespace>, request: AdmissionRequest, isPod: boolean): undefined | Promise<undefined> => {
  const held = namespaces.now
  if (!held) return namespaces.get(request.namespace ?? '').then((found) => judgeIn(found, request, isPod))
  return judgeIn(find(held.tree, request.namespace ?? '')?.object as Namespace | undefined, request, isPod)
}

const policies = new WeakMap<Namespace, ReturnType<typeof policyOf>>()

/** A namespace's policy, read once for as long as it stays as it is. */
const policyIn = (namespace: Namespace | undefined): ReturnType<typeof policyOf> => {
  const known = namespace && policies.get(namespace)
  if (known) return known
  const made = policyOf(namespace?.metadata.labels)
  if (namespace) policies.set(namespace, made)
  return made
}

const judgeIn = (namespace: Namespace | undefined, request: AdmissionRequest, isPod: boolean): undefined => {
  const { policy, errors } = policyIn(namespace)
  const { enforce, audit, warn } = policy
  const annotate = (key: string, value: string) => request.annotate?.(`${annotation}${key}`, value)
  if (isPod) annotate('enforce-policy', standardText(enforce))
  if (errors.length > 0) annotate('error', `Failed to parse policy: ${errors.map(({ field, body }) => `${field}: ${body}`).join(', ')}`)
  const asked = isPod ? [enforce, audit, warn] : [audit, warn]
  if (asked.every(({ level }) => level === 'privileged')) return undefined
  const object = request.object as KubeObject
  const { metadata, spec } = (isPod ? (object as Pod) : templates[keyOf(request)]?.(object)) ?? {}
  if (!spec) return undefined
  const pod: PodLike = { ...(metadata ? { metadata } : {}), spec }
  const violated = (standard: Standard, word: string): string | undefined => {
    const found = violationsOf(standard, pod)
    return found.length === 0 ? undefined : `${word} PodSecurity "${standardText(standard)}": ${detailText(found)}`
  }
  const audited = violated(audit, 'would violate')
  if (audited) annotate('audit-violations', audited)
  const refused = isPod ? violated(enforce, 'violates') : undefined
  if (refused) throw forbidden(namedOf(request.kind), request.name || object.metadata.generateName || '', refused)
  const warned = violated(warn, 'would violate')
  if (warned) request.warnings?.push(warned)
  return undefined
}
