import type { Kind, LabelSelector, ParamRef, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validation } from '@skiff/api'
import { type CelValue, compileLabelSelector, forbidden, type KubeObject, Refusal } from '@skiff/machinery'
import { prepareServed } from '../../registry/converting.ts'
import { entriesOf, find } from '../../registry/tree.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'
import { type Compiled, type Condition, celObject, compile, conditionsHold, lazyVariables, run, type Variables } from './expressions.ts'
import { follow } from './follow.ts'
import { isExempt, matchTarget, namespaceOf, targetOf } from './matching.ts'
import { describeRequest, inVersion, prepareShown, shownIn } from './review.ts'

interface Check {
  readonly validation: Validation
  readonly test: Compiled
  readonly message: Compiled | undefined
}
interface Policy {
  readonly object: ValidatingAdmissionPolicy
  readonly conditions: readonly Condition[]
  readonly variables: readonly Condition[]
  readonly checks: readonly Check[]
}

const compiled = new WeakMap<ValidatingAdmissionPolicy, Policy>()
const compilePolicy = (object: ValidatingAdmissionPolicy): Policy => {
  const known = compiled.get(object)
  if (known) return known
  const { matchConditions = [], variables = [], validations = [] } = object.spec
  const named = ({ name, expression }: { name: string; expression: string }) => ({ name, compiled: compile(expression) })
  const policy: Policy = {
    object,
    conditions: matchConditions.map(named),
    variables: variables.map(named),
    checks: validations.map((validation) => ({
      validation,
      test: compile(validation.expression),
      message: validation.messageExpression ? compile(validation.messageExpression) : undefined,
    })),
  }
  compiled.set(object, policy)
  return policy
}

/** What a policy under one of its bindings has against a request. */
interface Denial {
  readonly policy: string
  readonly binding: ValidatingAdmissionPolicyBinding | undefined
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

const judge = async (
  sources: AdmissionSources,
  policies: readonly ValidatingAdmissionPolicy[],
  bindings: readonly ValidatingAdmissionPolicyBinding[],
  request: AdmissionRequest,
): Promise<undefined> => {
  const denials: Denial[] = []
  for (const object of policies) {
    const own = bindings.filter((binding) => binding.spec.policyName === object.metadata.name)
    if (own.length === 0) continue
    const kind = await matchTarget(sources, targetOf(object.spec.matchConstraints), request)
    if (!kind) continue
    await prepareShown(request, kind)
    for (const binding of own) denials.push(...(await judgeUnder(sources, compilePolicy(object), binding, kind, request)))
  }
  const [first] = denials
  if (first) throw refusalOf(request, first)
  return undefined
}

/** One policy under one binding: once for each of its parameters. */
const judgeUnder = async (
  sources: AdmissionSources,
  policy: Policy,
  binding: ValidatingAdmissionPolicyBinding,
  kind: Kind,
  request: AdmissionRequest,
): Promise<readonly Denial[]> => {
  const { matchResources, paramRef, validationActions = [] } = binding.spec
  if (matchResources && !(await matchTarget(sources, withRules(matchResources, kind), request))) return []
  const { name } = policy.object.metadata
  const fails = policy.object.spec.failurePolicy !== 'Ignore'
  let params: readonly (KubeObject | undefined)[]
  try {
    params = await paramsOf(sources, policy.object, paramRef, request)
  } catch (error) {
    if (!(error instanceof ParamFault)) throw error
    return fails ? [{ policy: name, binding, message: `failed to configure binding: ${error.message}`, reason: undefined }] : []
  }
  const shared = await variablesOf(sources, kind, request)
  const found = params.flatMap((param) => checkWith(policy, { ...shared, params: celObject(param) }, fails))
  for (const { message } of found)
    if (validationActions.includes('Warn'))
      request.warnings?.push(
        `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${binding.metadata.name}': ${message}`,
      )
  return validationActions.includes('Deny') ? found.map((each) => ({ policy: name, binding, ...each })) : []
}

/** A binding without rules of its own narrows the policy's by its selectors alone. */
const withRules = (match: NonNullable<ValidatingAdmissionPolicyBinding['spec']['matchResources']>, kind: Kind) => {
  const everything = { apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] } as const
  const target = targetOf(match)
  return target.rules.length > 0 ? target : { ...target, rules: kind ? [everything] : [] }
}

const variablesOf = async (sources: AdmissionSources, kind: Kind, request: AdmissionRequest): Promise<Variables> => ({
  object: celObject(shownIn(request, kind, 'object')),
  oldObject: celObject(shownIn(request, kind, 'old')),
  request: celObject(describeRequest(request, kind)),
  namespaceObject: celObject(await namespaceOf(sources, request)),
})

interface Found {
  readonly message: string
  readonly reason: string | undefined
}

const checkWith = ({ conditions, variables, checks }: Policy, given: Variables, fails: boolean): readonly Found[] => {
  const faulty = (message: string): readonly Found[] => (fails ? [{ message, reason: undefined }] : [])
  const holds = conditionsHold(conditions, given)
  if (typeof holds === 'object') return faulty(holds.fault)
  if (!holds) return []
  const all = variables.length > 0 ? { ...given, variables: lazyVariables(variables, given) } : given
  return checks.flatMap(({ validation, test, message }) => {
    const outcome = run(test, all)
    if ('fault' in outcome) return faulty(outcome.fault)
    if (outcome.value === true) return []
    return [{ message: textOf(validation, message, all), reason: validation.reason }]
  })
}

/** Upstream's bound on what messageExpression may say. */
const longestMessageBytes = 5 * 1024

const textOf = ({ expression, message }: Validation, said: Compiled | undefined, variables: Variables): string => {
  const outcome = said && run(said, variables)
  const text: CelValue = outcome && 'value' in outcome ? outcome.value : ''
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (trimmed !== '' && !trimmed.includes('\n') && Buffer.byteLength(trimmed) <= longestMessageBytes) return trimmed
  return message ? message.trim() : `failed expression: ${expression.trim()}`
}

class ParamFault extends Error {}

/** The parameters that a binding names; one undefined where the policy takes none. */
const paramsOf = async (
  { registry, storage }: AdmissionSources,
  { spec: { paramKind } }: ValidatingAdmissionPolicy,
  ref: ParamRef | undefined,
  request: AdmissionRequest,
): Promise<readonly (KubeObject | undefined)[]> => {
  if (!paramKind || !ref) return [undefined]
  const { apiVersion = '', kind: name = '' } = paramKind
  const [version = '', group = ''] = apiVersion.split('/').toReversed()
  const kind = registry.findKind(group, version, name)
  if (!kind) throw new ParamFault(`paramKind kind \`${apiVersion}, Kind=${name}\` not known`)
  if (ref.namespace && !kind.namespaced) throw new ParamFault('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const namespace = ref.namespace || request.namespace
  if (kind.namespaced && !namespace)
    throw new ParamFault('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  const cache = await storage.cache(registry.stored(kind))
  const prefix = kind.namespaced ? `${namespace}/` : ''
  const named = ref.name ? find(cache.tree, `${prefix}${ref.name}`) : undefined
  await prepareServed(kind, named ? [named] : ref.name ? [] : [...entriesOf(cache.tree, prefix)])
  const shown = (object: KubeObject) => inVersion(registry.stored(kind), kind, object) as KubeObject
  const found = ref.name
    ? named
      ? [shown(named.object)]
      : []
    : selected(
        ref.selector,
        [...entriesOf(cache.tree, prefix)].map((entry) => shown(entry.object)),
      )
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny')
    throw new ParamFault('no params found for policy binding with `Deny` parameterNotFoundAction')
  return found
}

const selected = (selector: LabelSelector | undefined, objects: readonly KubeObject[]): readonly KubeObject[] => {
  const { matches } = compileLabelSelector(selector ?? {})
  return objects.filter(({ metadata }) => matches(metadata.labels ?? {}))
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413, Invalid: 422 }

const refusalOf = (request: AdmissionRequest, { policy, binding, message, reason = 'Invalid' }: Denial): Refusal => {
  const by = binding ? ` with binding '${binding.metadata.name}'` : ''
  const text = `ValidatingAdmissionPolicy '${policy}'${by} denied request: ${message}`
  const name = request.name || request.object?.metadata?.generateName || ''
  const { message: whole, details } = forbidden({ group: request.kind.group, resource: request.kind.plural }, name, text).status
  return new Refusal(codes[reason] ?? 422, reason, whole, { ...details, causes: [{ message: text }] })
}
