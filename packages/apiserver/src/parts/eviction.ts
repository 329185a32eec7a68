import type { Kind, Pod, PodDisruptionBudget } from '@skiff/api'
import type { Call } from '@skiff/client'
import { badRequest, compileLabelSelector, type KubeObject, notFound, Refusal, rfc3339 } from '@skiff/machinery'
import type { Part } from '../handler.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import { keyOfCall, namedOf, type Request, type Rest } from '../rest/context.ts'
import { inNamespace } from '../rest/create.ts'
import { type DeleteOptions, type Given, nestedDeleteOptions } from '../rest/delete-options.ts'
import { writeOptions } from '../rest/options.ts'
import { checkPreconditions, removeOne } from '../rest/remove.ts'
import { writeOver } from '../rest/update.ts'
import { admitPart } from './admit.ts'

interface Eviction extends KubeObject {
  readonly deleteOptions?: Given
}

/** POST pods/NAME/eviction: a delete that disruption budgets may refuse. `evictionKind` gives the codec of the body. */
export const podEviction =
  (evictionKind: Kind): Part =>
  async ({ rest }, request) => {
    const { call } = request
    const options = writeOptions(call, 'CreateOptions')
    const kind = request.kind
    const body = inNamespace(
      kind,
      decodeBody(versionOf(evictionKind, call), call.body, options.validation, request.warnings),
      call.namespace,
    ) as Eviction
    if (body.metadata.name !== call.name) throw badRequest('name in URL does not match name in Eviction object')
    const { dryRun: dryOptions, ...given } = nestedDeleteOptions(body.deleteOptions ?? {})
    const dryRun = options.dryRun || dryOptions
    const cache = await rest.storage.cache(kind)
    const entry = find(cache.tree, keyOfCall(kind, call))
    if (!entry) throw notFound(namedOf(kind), call.name ?? '')
    const pod = entry.object as Pod
    await admitPart(rest, { ...request, dryRun }, 'create', { ...body, kind: 'Eviction' }, 'policy')
    if (!needsNoBudget(pod)) await spendBudget(rest, request, pod, dryRun)
    const deletion = dryRun ? { ...given, dryRun } : await markDisrupted(rest, request, { ...given, dryRun })
    await removeOne(rest, { ...request, dryRun }, entry.key, deletion)
    return replyValue(call, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201)
  }

/** Evictions of policy/v1beta1, whose fields are the same, are taken although nothing else of that version is served. */
const versionOf = (evictionKind: Kind, { body }: Call): Kind => {
  if (!body || 'stream' in body) return evictionKind
  const isOld = 'object' in body ? (body.object as KubeObject | undefined)?.apiVersion === older : Buffer.from(body.bytes).includes(older)
  return isOld ? { ...evictionKind, version: 'v1beta1', apiVersion: older } : evictionKind
}
const older = 'policy/v1beta1'

/**
 * Says in the pod's status why it goes, before it does: a Job's failure policy and whoever watches the pod read it there. The write is
 * a new version, so the deletion expects that one where the caller named the one before.
 */
const markDisrupted = async (rest: Rest, request: Request, options: DeleteOptions): Promise<DeleteOptions> => {
  const { preconditions } = options
  const { entry } = await writeOver(
    rest,
    { ...request, prepared: true, call: { ...request.call, verb: 'update' } },
    async (current) => {
      const pod = current as Pod
      checkPreconditions(request.kind, { object: pod }, options)
      return disrupted(pod, rfc3339(rest.env.now()))
    },
    false,
  )
  const { resourceVersion } = entry.object.metadata
  return preconditions?.resourceVersion === undefined ? options : { ...options, preconditions: { ...preconditions, resourceVersion } }
}

const disrupted = (pod: Pod, now: string): Pod => {
  const conditions = pod.status?.conditions ?? []
  const before = conditions.find(({ type }) => type === 'DisruptionTarget')
  const target = {
    type: 'DisruptionTarget',
    status: 'True' as const,
    lastProbeTime: null as unknown as string,
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  }
  const next = before ? conditions.map((each) => (each === before ? target : each)) : [...conditions, target]
  return { ...pod, status: { ...pod.status, conditions: next } } as Pod
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
    throw new Refusal(500, '', 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.')
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
