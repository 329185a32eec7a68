import { randomUUID } from 'node:crypto'
import type { Kind, MutatingWebhook, MutatingWebhookConfiguration, ValidatingWebhook, ValidatingWebhookConfiguration } from '@skiff/api'
import {
  applyJsonPatch,
  badRequest,
  decodeJsonPatch,
  encodeJson,
  forbidden,
  internalError,
  isJsonObject,
  type Json,
  type KubeObject,
  parseJsonText,
  Refusal,
} from '@skiff/machinery'
import { converting } from '../../registry/converting.ts'
import { type WebhookClient, WebhookFault } from '../../webhooks/client.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import type { AdmissionSources } from '../sources.ts'
import { type Condition, celObject, compile, conditionsHold } from './expressions.ts'
import { follow } from './follow.ts'
import { isExempt, matchTarget } from './matching.ts'
import { describeRequest, inVersion, jsonOf, prepareShown, shownIn } from './review.ts'
import { deniedBy, readAnswer, type Verdict } from './review-answer.ts'
import { authorizerOf } from './rights.ts'

type Webhook = ValidatingWebhook | MutatingWebhook

/** A webhook that is to be asked about a request, in the version of its objects that it knows. */
interface Invocation {
  readonly webhook: Webhook
  readonly kind: Kind
}

/** A call that failed, by whose fault it was: the webhook's policy says what follows. */
class CallFault extends Error {}

const defaultTimeoutSeconds = 10

export interface WebhookSources extends AdmissionSources {
  readonly webhooks: WebhookClient
  /** Hears how long a webhook took. */
  readonly webhookTook?: (seconds: number, name: string, operation: string, rejected: string, type: string) => void
}

/** ValidatingAdmissionWebhook: all that match are asked at once, and the first that refuses, in their order, is heard. */
export const validatingWebhooks = (sources: WebhookSources): AdmissionPlugin => {
  const configurations = follow<ValidatingWebhookConfiguration>(sources, 'validatingwebhookconfigurations')
  return {
    name: 'ValidatingAdmissionWebhook',
    general: true,
    validate: (request) => {
      const all = configurations.all()
      if (all.length === 0 || isExempt(request.kind)) return undefined
      return askAll(
        sources,
        all.flatMap(({ webhooks = [] }) => webhooks),
        request,
      )
    },
  }
}

const askAll = async (sources: WebhookSources, webhooks: readonly Webhook[], request: AdmissionRequest): Promise<undefined> => {
  const invocations: Invocation[] = []
  for (const webhook of webhooks) {
    const invocation = await invocationOf(sources, webhook, request)
    if (invocation) invocations.push(invocation)
  }
  const answers = await Promise.allSettled(invocations.map((invocation) => ask(sources, invocation, request, false)))
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  return undefined
}

/**
 * MutatingAdmissionWebhook: one after the other, each sees what those before it made of the object. After a change the built-in plugins run
 * once more, and then those webhooks that ask for it, if the object is no longer what they left.
 */
export const mutatingWebhooks = (sources: WebhookSources, builtins: readonly AdmissionPlugin[]): AdmissionPlugin => {
  const configurations = follow<MutatingWebhookConfiguration>(sources, 'mutatingwebhookconfigurations')
  return {
    name: 'MutatingAdmissionWebhook',
    general: true,
    mutate: (request) => {
      const all = configurations.all()
      if (all.length === 0 || isExempt(request.kind)) return request.object
      return mutateBy(
        sources,
        all.flatMap(({ webhooks = [] }) => webhooks),
        builtins,
        request,
      )
    },
  }
}

const mutateBy = async (
  sources: WebhookSources,
  webhooks: readonly MutatingWebhook[],
  builtins: readonly AdmissionPlugin[],
  request: AdmissionRequest,
): Promise<KubeObject | undefined> => {
  /** What each webhook that wants to be asked again left behind. */
  const left = new Map<MutatingWebhook, KubeObject | undefined>()
  const round = async (hooks: readonly MutatingWebhook[], start: KubeObject | undefined): Promise<KubeObject | undefined> => {
    let object = start
    for (const webhook of hooks) {
      const current = { ...request, object }
      const invocation = await invocationOf(sources, webhook, current)
      if (!invocation) continue
      object = await mutateOnce(sources, invocation, current)
      if (webhook.reinvocationPolicy === 'IfNeeded') left.set(webhook, object)
    }
    return object
  }
  const first = await round(webhooks, request.object)
  if (first === request.object) return first
  let again = first
  for (const plugin of builtins) again = (await plugin.mutate?.({ ...request, object: again })) ?? again
  const last = again
  return round(
    [...left].filter(([, object]) => object !== last).map(([webhook]) => webhook),
    last,
  )
}

const mutateOnce = async (
  sources: WebhookSources,
  { webhook, kind }: Invocation,
  request: AdmissionRequest,
): Promise<KubeObject | undefined> => {
  const verdict = await ask(sources, { webhook, kind }, request, true)
  if (!verdict || verdict.patch === '') return request.object
  const shown = inVersion(request.kind, kind, request.object)
  if (shown === undefined || request.objectKind)
    throw internalError(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    )
  try {
    const operations = decodeJsonPatch(parseJsonText(verdict.patch).value)
    if (operations.length === 0) return request.object
    const patched = applyJsonPatch(JSON.parse(jsonOf(kind, shown)) as Json, operations)
    if (!isJsonObject(patched)) throw new Error('the patched object is no object')
    const { object } = kind.codec.decode(patched)
    return await converting(() => inVersion(kind, request.kind, object))
  } catch (error) {
    throw internalError((error as Error).message)
  }
}

const compiled = new WeakMap<Webhook, readonly Condition[]>()

/** A webhook's conditions, read once for as long as its configuration stands. */
const conditionsOf = (webhook: Webhook): readonly Condition[] => {
  const known = compiled.get(webhook)
  if (known) return known
  const made = (webhook.matchConditions ?? []).map(({ name, expression }) => ({ name, compiled: compile(expression) }))
  compiled.set(webhook, made)
  return made
}

/** Undefined where the webhook is not for this request. */
const invocationOf = async (sources: WebhookSources, webhook: Webhook, request: AdmissionRequest): Promise<Invocation | undefined> => {
  const kind = await matchTarget(sources, { ...webhook, rules: webhook.rules ?? [] } as never, request)
  if (!kind) return undefined
  await prepareShown(request, kind)
  const conditions = conditionsOf(webhook)
  if (conditions.length === 0) return { webhook, kind }
  const holds = conditionsHold(conditions, {
    object: celObject(shownIn(request, kind, 'object')),
    oldObject: celObject(shownIn(request, kind, 'old')),
    request: celObject(describeRequest(request, kind)),
    authorizer: authorizerOf(sources, request),
  })
  if (typeof holds === 'boolean') return holds ? { webhook, kind } : undefined
  if (webhook.failurePolicy === 'Ignore') return undefined
  throw forbidden({ group: request.kind.group, resource: request.kind.plural }, request.name, holds.fault)
}

/** One webhook's verdict; undefined where its failure is to be ignored. Throws the refusal that it makes. */
const ask = async (
  sources: WebhookSources,
  invocation: Invocation,
  request: AdmissionRequest,
  mutating: boolean,
): Promise<Verdict | undefined> => {
  const { webhook } = invocation
  const startMs = sources.env.monotonicMs()
  const took = (rejected: boolean): void =>
    sources.webhookTook?.(
      (sources.env.monotonicMs() - startMs) / 1000,
      webhook.name,
      request.verb.toUpperCase(),
      String(rejected),
      mutating ? 'admit' : 'validating',
    )
  try {
    const verdict = await call(sources, invocation, request, mutating)
    took(!verdict.allowed)
    request.warnings?.push(...verdict.warnings)
    if (!verdict.allowed) throw deniedBy(webhook.name, verdict.status)
    return verdict
  } catch (error) {
    if (!(error instanceof CallFault)) throw error
    took(webhook.failurePolicy !== 'Ignore')
    const text = `failed calling webhook ${JSON.stringify(webhook.name)}: ${error.message}`
    const ignored = webhook.failurePolicy === 'Ignore'
    sources.env.log.warn(ignored ? 'a webhook failed and is passed over' : 'a webhook failed', {
      webhook: webhook.name,
      error: error.message,
    })
    if (!ignored) throw internalError(text)
    return undefined
  }
}

const call = async (
  { webhooks }: WebhookSources,
  { webhook, kind }: Invocation,
  request: AdmissionRequest,
  mutating: boolean,
): Promise<Verdict> => {
  const { name, sideEffects, timeoutSeconds = defaultTimeoutSeconds, clientConfig, admissionReviewVersions } = webhook
  if (request.dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun')
    throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
  const version = admissionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1')
  if (!version)
    throw new CallFault('could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)')
  const asked = { apiVersion: `admission.k8s.io/${version}`, uid: randomUUID() }
  const encoded = (which: 'object' | 'old'): string => {
    const shown = shownIn(request, kind, which)
    if (shown === undefined) return 'null'
    return request.objectKind ? encodeJson(shown as unknown as Json) : jsonOf(kind, shown)
  }
  const described = encodeJson({ uid: asked.uid, ...describeRequest(request, kind) } as unknown as Json)
  const body = `{"kind":"AdmissionReview","apiVersion":"${asked.apiVersion}","request":${described.slice(0, -1)},"object":${encoded('object')},"oldObject":${encoded('old')}}}`
  let answer: unknown
  try {
    answer = await webhooks.post({ address: clientConfig, body, timeoutMs: timeoutSeconds * 1000 })
  } catch (error) {
    if (error instanceof WebhookFault) throw new CallFault(`failed to call webhook: ${error.message}`)
    throw error
  }
  try {
    return readAnswer(answer, asked, mutating)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new CallFault(`received invalid webhook response: ${(error as Error).message}`)
  }
}
