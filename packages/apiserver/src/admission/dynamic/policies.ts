import type { Kind, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '@skiff/api'
import { forbidden, type KubeObject, Refusal } from '@skiff/machinery'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'
import { celObject, type Variables } from './expressions.ts'
import { follow } from './follow.ts'
import { isExempt, matchTarget, namespaceOf, targetOf } from './matching.ts'
import { checkPolicy, compilePolicy, type Finding, type Findings } from './policy-checks.ts'
import { ParamFault, paramsOf } from './policy-params.ts'
import { describeRequest, prepareShown, shownIn } from './review.ts'
import { authorizerOf } from './rights.ts'

/** What a policy under one of its bindings has against a request. */
interface Denial {
  readonly policy: string
  readonly binding: ValidatingAdmissionPolicyBinding
  readonly message: string
  readonly reason: string | undefined
}

/** ValidatingAdmissionPolicy: expressions of the cluster's administrators say what may be written. */
export const validatingAdmissionPolicies = (sources: AdmissionSources): AdmissionPlugin => {
  const policies = follow<ValidatingAdmissionPolicy>(sources, 'validatingadmissionpolicies')
  const bindings = follow<ValidatingAdmissionPolicyBinding>(sources, 'validatingadmissionpolicybindings')
  return {
    name: 'ValidatingAdmissionPolicy',
    general: true,
    validate: (request) => {
      if (bindings.all().length === 0 || isExempt(request.kind)) return undefined
      return judge(sources, policies.all(), bindings.all(), request)
    },
  }
}

/** What all policies are asked about: one for each version that they want to see the objects in. */
type Given = (kind: Kind) => Promise<Variables>

const judge = async (
  sources: AdmissionSources,
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  request: AdmissionRequest,
): Promise<undefined> => {
  const denials: Denial[] = []
  const given = sharedVariables(sources, request)
  for (const object of policies) {
    const own = bindings.filter((binding) => binding.spec.policyName === object.metadata.name)
    if (own.length === 0) continue
    const kind = await matchTarget(sources, targetOf(object.spec.matchConstraints), request)
    if (!kind) continue
    await prepareShown(request, kind)
    denials.push(...(await judgeBy(sources, object, own, kind, request, given)))
  }
  const [first] = denials
  if (first) throw refusalOf(request, first)
  return undefined
}

const sharedVariables = (sources: AdmissionSources, request: AdmissionRequest): Given => {
  const known = new Map<Kind, Promise<Variables>>()
  return (kind) => {
    const made = known.get(kind) ?? variablesOf(sources, kind, request)
    known.set(kind, made)
    return made
  }
}

const variablesOf = async (sources: AdmissionSources, kind: Kind, request: AdmissionRequest): Promise<Variables> => ({
  object: celObject(shownIn(request, kind, 'object')),
  oldObject: celObject(shownIn(request, kind, 'old')),
  request: celObject(describeRequest(request, kind)),
  namespaceObject: celObject(await namespaceOf(sources, request)),
  authorizer: authorizerOf(sources, request),
})

/** One policy under all of its bindings: asked once for each set of parameters, whichever bindings name it. */
const judgeBy = async (
  sources: AdmissionSources,
  object: ValidatingAdmissionPolicy,
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  kind: Kind,
  request: AdmissionRequest,
  given: Given,
): Promise<readonly Denial[]> => {
  const policy = compilePolicy(object)
  const known = new Map<KubeObject | undefined, Findings>()
  const annotations = new Map<string, Set<string>>()
  const denials: Denial[] = []
  for (const binding of bindings) {
    const deny = (message: string, reason?: string) => denials.push({ policy: object.metadata.name, binding, message, reason })
    const params = await paramsUnder(sources, object, binding, kind, request)
    if (params instanceof ParamFault) {
      if (object.spec.failurePolicy !== 'Ignore') deny(`failed to configure binding: ${params.message}`)
      continue
    }
    for (const param of params) {
      const findings = known.get(param) ?? checkPolicy(policy, { ...(await given(kind)), params: celObject(param) })
      known.set(param, findings)
      for (const finding of findings.failed) act(binding, finding, request, deny)
      for (const [key, value] of findings.annotations) annotations.set(key, (annotations.get(key) ?? new Set()).add(value))
      for (const fault of findings.annotationFaults) deny(fault)
    }
  }
  for (const [key, values] of annotations) request.annotate?.(`${object.metadata.name}/${key}`, [...values].join(', '))
  return denials
}

/** The parameters of a binding that is for this request; none where it is not. */
const paramsUnder = async (
  sources: AdmissionSources,
  policy: ValidatingAdmissionPolicy,
  { spec: { matchResources, paramRef } }: ValidatingAdmissionPolicyBinding,
  kind: Kind,
  request: AdmissionRequest,
): Promise<readonly (KubeObject | undefined)[] | ParamFault> => {
  if (matchResources && !(await matchTarget(sources, withRules(matchResources, kind), request))) return []
  try {
    return await paramsOf(sources, policy, paramRef, request)
  } catch (error) {
    if (error instanceof ParamFault) return error
    throw error
  }
}

/** Does what a binding says is to be done about a rule that does not hold. */
const act = (
  { metadata, spec: { policyName, validationActions = [] } }: ValidatingAdmissionPolicyBinding,
  { index, message, reason }: Finding,
  request: AdmissionRequest,
  deny: (message: string, reason: string | undefined) => void,
): void => {
  const binding = metadata.name
  for (const action of validationActions)
    if (action === 'Deny') deny(message, reason)
    else if (action === 'Warn')
      request.warnings?.push(`Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${binding}': ${message}`)
    else if (action === 'Audit') {
      const failure = { message, policy: policyName, binding, expressionIndex: index, validationActions }
      request.annotate?.('validation.policy.admission.k8s.io/validation_failure', JSON.stringify([failure]))
    }
}

/** A binding without rules of its own narrows the policy's by its selectors alone. */
const withRules = (match: NonNullable<ValidatingAdmissionPolicyBinding['spec']['matchResources']>, kind: Kind) => {
  const everything = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] } as const
  const target = targetOf(match)
  return target.rules.length > 0 ? target : { ...target, rules: kind ? [everything] : [] }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }

const refusalOf = (request: AdmissionRequest, { policy, binding, message, reason = 'Invalid' }: Denial): Refusal => {
  const text = `ValidatingAdmissionPolicy '${policy}' with binding '${binding.metadata.name}' denied request: ${message}`
  const name = request.name || request.object?.metadata?.generateName || ''
  const { message: whole, details } = forbidden({ group: request.kind.group, resource: request.kind.plural }, name, text).status
  return new Refusal(codes[reason] ?? 422, reason, whole, { ...details, causes: [{ message: text }] })
}
