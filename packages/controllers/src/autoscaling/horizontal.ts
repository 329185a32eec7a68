import type { HorizontalPodAutoscaler, Resource } from '@skiff/api'
import { horizontalPodAutoscaler as autoscalers, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { type CompiledSelector, keyOf, parseLabelSelector, splitApiVersion } from '@skiff/machinery'
import { type Controller, objectController, reading } from '../runner/controller.ts'
import { ask, event, fetch, reasonOf, requeue, type Step, type Steps } from '../runner/step.ts'
import { same } from '../same.ts'
import { couldGet, type Decision, decide, outOfBounds, type Scale, setCondition, statusWith } from './decide.ts'
import { writeStatus } from './horizontal-status.ts'
import { firstMemory, type Memory } from './memory.ts'
import type { Answer } from './propose.ts'
import { failureText, isWorthAsking, type Question, questionFor } from './questions.ts'
import { rescale } from './rescale.ts'

// Upstream's default of --horizontal-pod-autoscaler-sync-period.
const syncMs = 15_000

type Resources = () => readonly Resource[]

/** What the controller keeps between plans, in its process alone. */
interface Kept {
  readonly memories: Map<string, Memory>
  /** Of the targets, by the autoscaler's key. */
  readonly selectors: Map<string, CompiledSelector>
}

/** One attempt at one autoscaler. */
interface Attempt {
  readonly hpa: HorizontalPodAutoscaler
  readonly key: string
  readonly resource: Resource
  readonly resources: Resources
  readonly views: Views
  readonly kept: Kept
  readonly nowMs: number
}

const remember = (what: string, change: () => void): Step => ask(what, async () => change(), {})

/** Without a scale there is nothing to decide on. */
const noScale = (hpa: HorizontalPodAutoscaler, text: string, nowMs: number): Steps => {
  const message = `the HPA controller was unable to get the target's current scale: ${text}`
  const conditions = setCondition(hpa.status?.conditions, 'AbleToScale', 'False', 'FailedGetScale', message, nowMs)
  const { currentReplicas = 0, desiredReplicas = 0, currentMetrics = [] } = hpa.status ?? {}
  return [
    event(hpa, 'Warning', 'FailedGetScale', text),
    ...writeStatus(hpa, statusWith(hpa, currentReplicas, desiredReplicas, currentMetrics, conditions)),
  ]
}

const findKind = (resources: Resources, apiVersion: string, kind: string): Resource => {
  const { group, version } = splitApiVersion(apiVersion)
  const found = resources().filter((each) => each.kind === kind && each.group === group)
  const best = found.find((each) => each.version === version) ?? found[0]
  if (!best) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`)
  return best
}

const planAutoscaler = (hpa: HorizontalPodAutoscaler, views: Views, nowMs: number, resources: Resources, kept: Kept): Steps => {
  const again = requeue(syncMs)
  if (hpa.metadata.deletionTimestamp !== undefined) return []
  const { apiVersion = '', kind, name } = hpa.spec.scaleTargetRef
  let resource: Resource
  try {
    resource = findKind(resources, apiVersion, kind)
  } catch (error) {
    return [again, ...noScale(hpa, reasonOf(error), nowMs)]
  }
  const attempt: Attempt = { hpa, key: keyOf(hpa), resource, resources, views, kept, nowMs }
  const { namespace = '' } = hpa.metadata
  const target = { ...(resource.namespaced ? { namespace } : {}), name, subresource: 'scale' }
  return [
    again,
    fetch(
      { verb: 'get', resource, target, query: {} },
      { done: (scale) => withScale(attempt, scale as Scale), failed: (error) => noScale(hpa, reasonOf(error), nowMs) },
    ),
  ]
}

const withScale = (attempt: Attempt, scale: Scale): Steps => {
  const { hpa, key, kept, nowMs } = attempt
  const memory = kept.memories.get(key) ?? firstMemory(scale.spec?.replicas ?? 0, nowMs)
  if (outOfBounds(hpa, scale)) return carryOut(attempt, scale, decide(hpa, { scale, pods: [], answers: [] }, memory, nowMs))
  const text = scale.status?.selector ?? ''
  if (text === '')
    return badSelector(attempt, scale, 'SelectorRequired', 'selector is required', "the HPA target's scale is missing a selector")
  let selector: CompiledSelector
  try {
    selector = parseLabelSelector(text)
  } catch (error) {
    return badSelector(
      attempt,
      scale,
      'InvalidSelector',
      `couldn't convert selector into a corresponding internal selector object: ${reasonOf(error)}`,
    )
  }
  const selected = [...attempt.views.view(pods).list(hpa.metadata.namespace)].filter(({ metadata }) => selector.matches(metadata.labels))
  const others = rivals(attempt, selector, selected)
  const hold = remember('keep the selector', () => kept.selectors.set(key, selector))
  if (others.length > 1) {
    const all = others.map((each) => `{${each.split('/')[1]} ${each.split('/')[0]}}`).join(' ')
    const message = `pods by selector ${text} are controlled by multiple HPAs: [${all}]`
    return [hold, ...badSelector(attempt, scale, 'AmbiguousSelector', message)]
  }
  const then = (answers: readonly Answer[]) => carryOut(attempt, scale, decide(hpa, { scale, pods: selected, answers }, memory, nowMs))
  return [hold, ...askAll(attempt, text, then)]
}

/** The autoscalers that know some of these pods as their own, this one included. */
const rivals = (
  { key, kept }: Attempt,
  own: CompiledSelector,
  selected: readonly { metadata: { labels?: Readonly<Record<string, string>> } }[],
) => {
  const [namespace = ''] = key.split('/')
  const known = new Map([...kept.selectors].filter(([each]) => each.startsWith(`${namespace}/`))).set(key, own)
  return [...known]
    .filter(([, selector]) => selected.some(({ metadata }) => selector.matches(metadata.labels)))
    .map(([each]) => each)
    .sort()
}

const badSelector = ({ hpa, nowMs }: Attempt, scale: Scale, reason: string, error: string, message = error): Steps => {
  const able = setCondition(hpa.status?.conditions, 'AbleToScale', 'True', 'SucceededGetScale', couldGet, nowMs)
  const told = reason === 'SelectorRequired' ? 'InvalidSelector' : reason
  const conditions = setCondition(able, 'ScalingActive', 'False', told, message, nowMs)
  return [
    event(hpa, 'Warning', reason, error),
    ...writeStatus(hpa, statusWith(hpa, scale.spec?.replicas ?? 0, hpa.status?.desiredReplicas ?? 0, [], conditions)),
    event(hpa, 'Warning', 'FailedComputeMetricsReplicas', error),
  ]
}

/** Asks for every metric, one after the other, and goes on with the answers. */
const askAll = ({ hpa, resources }: Attempt, selector: string, then: (answers: readonly Answer[]) => Steps): Steps => {
  const { namespace = '' } = hpa.metadata
  const specs = hpa.spec.metrics ?? []
  const pluralOf = (apiVersion: string, kind: string) => {
    const { plural, group } = findKind(resources, apiVersion, kind)
    return group === '' ? plural : `${plural}.${group}`
  }
  const next = (answers: readonly Answer[]): Steps => {
    const spec = specs[answers.length]
    if (!spec) return then(answers)
    let question: Question
    try {
      question = questionFor(spec, namespace, selector, pluralOf)
    } catch (error) {
      return next([...answers, { failure: reasonOf(error) }])
    }
    return [put(question, (answer) => next([...answers, answer]))]
  }
  return next([])
}

const put = (question: Question, then: (answer: Answer) => Steps): Step =>
  fetch(question, {
    done: (value) => then({ value }),
    failed: (error) =>
      question.otherwise && isWorthAsking(error) ? [put(question.otherwise, then)] : then({ failure: failureText(question, error) }),
  })

const carryOut = ({ hpa, key, resource, kept, nowMs }: Attempt, scale: Scale, decision: Decision): Steps => {
  const keep = (memory: Memory) => remember('keep the recommendation', () => kept.memories.set(key, memory))
  const told = decision.events.map(([type, reason, message]) => event(hpa, type, reason, message))
  if (decision.size === undefined) return [keep(decision.memory), ...told, ...writeStatus(hpa, decision.status)]
  return [...told, ...rescale({ hpa, resource, scale, decision, size: decision.size, keep, nowMs })]
}

/** Scales what can be scaled by what it uses. `resources` finds the kinds that autoscalers name. */
export const horizontalPodAutoscalerController = (resources: Resources): Controller => {
  const kept: Kept = { memories: new Map(), selectors: new Map() }
  return objectController({
    name: 'horizontal-pod-autoscaler-controller',
    account: 'horizontal-pod-autoscaler',
    component: 'horizontal-pod-autoscaler',
    resource: autoscalers,
    watches: [reading(pods)],
    concurrency: 5,
    // Its status is its own; looks follow the clock.
    concerns: ({ before, after }) => before?.metadata.generation !== after?.metadata.generation || !same(before?.spec, after?.spec),
    plan: (hpa, views, nowMs) => planAutoscaler(hpa, views, nowMs, resources, kept),
    gone: (key) => [
      remember('forget an autoscaler', () => {
        kept.memories.delete(key)
        kept.selectors.delete(key)
      }),
    ],
  })
}
