import type { Pod, PodDisruptionBudget } from '@skiff/api'
import {
  badRequest,
  compileLabelSelector,
  conflict,
  invalid,
  invalidValue,
  type KubeObject,
  notFound,
  Refusal,
  required,
  rfc3339,
} from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import { keyOfCall, namedOf, type Request, type Rest } from '../rest/context.ts'
import { checkDryRun, writeOptions } from '../rest/options.ts'
import { type DeleteOptions, removeOne } from '../rest/remove.ts'
import { writeOver } from '../rest/update.ts'

const success = (code: number) => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code })

interface Binding extends KubeObject {
  readonly target: { readonly kind?: string; readonly name?: string }
}

/** The write of a scheduler: names the pod's node and sets PodScheduled, with no regard to what other fields say. */
const bind = async (rest: Rest, request: Request, binding: Binding): Promise<void> => {
  const { call } = request
  const { target } = binding
  const errors = []
  if (target?.kind && target.kind !== 'Node' && target.kind !== 'Minion')
    errors.push(invalidValue('target.kind', target.kind, 'must be one of Node, <empty>'))
  if (!target?.name) errors.push(required('target.name', ''))
  if (errors.length > 0) throw invalid({ group: '', kind: 'Binding' }, call.name ?? '', errors)
  const node = target.name as string
  const kind = rest.registry.find('', 'v1', 'pods')
  if (!kind) throw notFound({ group: '', resource: 'pods' }, call.name ?? '')
  await writeOver(
    rest,
    { ...request, kind, prepared: true, call: { ...call, resource: 'pods', verb: 'update', subresource: 'binding' } },
    async (current) => {
      const pod = current as Pod
      const uid = binding.metadata?.uid
      if (uid && uid !== pod.metadata.uid)
        throw conflict(
          namedOf(kind),
          pod.metadata.name,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
        )
      if (pod.metadata.deletionTimestamp)
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on pods/binding ${JSON.stringify(pod.metadata.name)}: pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`,
          { name: pod.metadata.name, kind: 'pods/binding' },
        )
      if (pod.spec.nodeName)
        throw new Refusal(
          409,
          'Conflict',
          `Operation cannot be fulfilled on pods/binding ${JSON.stringify(pod.metadata.name)}: pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
          { name: pod.metadata.name, kind: 'pods/binding' },
        )
      return bound(pod, node, binding, rfc3339(rest.env.now()))
    },
    false,
  )
}

const bound = (pod: Pod, nodeName: string, binding: Binding, now: string): Pod => {
  const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastProbeTime: null as unknown as string, lastTransitionTime: now }
  const annotations = binding.metadata?.annotations
  return {
    ...pod,
    ...(annotations ? { metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, ...annotations } } } : {}),
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions: [...others, scheduled] },
  } as Pod
}

/** POST pods/NAME/binding. */
export const podBinding: Part = async ({ rest }, request) => {
  const { kind, call } = request
  const options = writeOptions(call, 'CreateOptions')
  const bindingKind = rest.registry.find('', 'v1', 'bindings') ?? kind
  const binding = decodeBody(bindingKind, call.body, options.validation, request.warnings) as Binding
  const named = binding.metadata?.name
  if (named && named !== call.name) throw badRequest(`name in URL does not match name in Binding object`)
  await bind(rest, { ...request, dryRun: options.dryRun }, binding)
  return replyValue(call, success(201), 201)
}

/** POST bindings: the old form, where the object names the pod. */
export const bindings: Part = async ({ rest }, request) => {
  const { call } = request
  const options = writeOptions(call, 'CreateOptions')
  const binding = decodeBody(request.kind, call.body, options.validation, request.warnings) as Binding
  await bind(rest, { ...request, dryRun: options.dryRun, call: { ...call, name: binding.metadata.name } }, binding)
  return replyValue(call, success(201), 201)
}

interface Eviction extends KubeObject {
  readonly deleteOptions?: {
    readonly gracePeriodSeconds?: number
    readonly dryRun?: readonly string[]
    readonly preconditions?: DeleteOptions['preconditions']
    readonly propagationPolicy?: string
  }
}

/** POST pods/NAME/eviction: a delete that disruption budgets may refuse. */
export const podEviction: Part = async ({ rest }, request) => {
  const { call } = request
  const options = writeOptions(call, 'CreateOptions')
  const kind = request.kind
  const body = evictionBody(request)
  if (body.metadata?.name && body.metadata.name !== call.name) throw badRequest('name in URL does not match name in Eviction object')
  const dryRun = options.dryRun || checkDryRun(body.deleteOptions?.dryRun ?? [], [])
  const cache = await rest.storage.cache(kind)
  const entry = find(cache.tree, keyOfCall(kind, call))
  if (!entry) throw notFound(namedOf(kind), call.name ?? '')
  const pod = entry.object as Pod
  if (!needsNoBudget(pod)) await spendBudget(rest, request, pod, dryRun)
  const { dryRun: _, ...given } = body.deleteOptions ?? {}
  await removeOne(rest, { ...request, dryRun }, entry.key, { ...given, dryRun })
  return replyValue(call, success(201), 201)
}

const evictionBody = (request: Request): Eviction => {
  const { body } = request.call
  if (body && 'object' in body) return (body.object ?? {}) as Eviction
  if (!body || 'stream' in body) throw badRequest('an Eviction object is required')
  const value = JSON.parse(Buffer.from(body.bytes).toString() || '{}') as Eviction
  if (value.kind !== undefined && value.kind !== 'Eviction')
    throw badRequest(`${value.kind} in version "v1" cannot be handled as a Eviction`)
  return value
}

const needsNoBudget = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp !== undefined || ['Pending', 'Succeeded', 'Failed'].includes(pod.status?.phase ?? '')

const spendBudget = async (rest: Rest, request: Request, pod: Pod, dryRun: boolean): Promise<void> => {
  const kind = rest.registry.find('policy', 'v1', 'poddisruptionbudgets')
  if (!kind) return
  const cache = await rest.storage.cache(kind)
  const budgets = [...entriesOf(cache.tree, `${pod.metadata.namespace}/`)]
    .map((entry) => entry.object as PodDisruptionBudget)
    .filter((budget) => compileLabelSelector(budget.spec?.selector).matches(pod.metadata.labels ?? {}))
  if (budgets.length === 0) return
  if (budgets.length > 1)
    throw new Refusal(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  const budget = budgets[0] as PodDisruptionBudget
  const policy = budget.spec?.unhealthyPodEvictionPolicy
  const ready = pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')
  const healthyEnough =
    (budget.status?.currentHealthy ?? 0) >= (budget.status?.desiredHealthy ?? 0) && (budget.status?.desiredHealthy ?? 0) > 0
  if (!ready && (policy === 'AlwaysAllow' || healthyEnough)) return
  checkBudget(budget)
  const name = budget.metadata.name
  await writeOver(
    rest,
    { ...request, dryRun, kind, call: { ...request.call, group: 'policy', resource: 'poddisruptionbudgets', name, subresource: 'status' } },
    async (current) => {
      const now = current as PodDisruptionBudget
      checkBudget(now)
      const status = now.status ?? ({} as NonNullable<PodDisruptionBudget['status']>)
      return {
        ...now,
        status: {
          ...status,
          disruptionsAllowed: status.disruptionsAllowed - 1,
          disruptedPods: { ...status.disruptedPods, [pod.metadata.name]: rfc3339(rest.env.now()) },
        },
      } as PodDisruptionBudget
    },
    false,
  )
}

const checkBudget = (budget: PodDisruptionBudget): void => {
  const { name, generation = 0 } = budget.metadata
  const status = budget.status
  const cannot = "Cannot evict pod as it would violate the pod's disruption budget."
  if ((status?.observedGeneration ?? 0) < generation)
    throw new Refusal(429, 'TooManyRequests', cannot, {
      retryAfterSeconds: 10,
      causes: [{ reason: 'DisruptionBudget', message: `The disruption budget ${name} is still being processed by the server.` }],
    })
  if ((status?.disruptionsAllowed ?? 0) <= 0)
    throw new Refusal(429, 'TooManyRequests', cannot, {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`,
        },
      ],
    })
}
