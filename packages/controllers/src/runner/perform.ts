import type { Client, EventRecorder } from '@skiff/client'
import { isRefusal, Refusal } from '@skiff/machinery'
import type { Barrier } from './barrier.ts'
import type { Metrics } from './metrics.ts'
import type {
  ClearStep,
  CreateStep,
  FetchStep,
  ListStep,
  Outcome,
  PatchStep,
  ReadStep,
  RemoveStep,
  Step,
  Steps,
  TogetherStep,
  UpdateStep,
} from './step.ts'

export interface Performer {
  readonly client: Client
  readonly recorder: EventRecorder
  readonly barrier: Barrier
  readonly metrics: Metrics
  readonly requeue: (afterMs: number) => void
  readonly signal: AbortSignal
}

/** Runs the steps in order. Throws the first failure that no step answers for; what follows it is not done. */
export const performAll = async (steps: Steps, by: Performer): Promise<void> => {
  for (const step of steps) {
    if (by.signal.aborted) throw new Error('stopped')
    await perform(step, by)
  }
}

const perform = async (step: Step, by: Performer): Promise<void> => {
  switch (step.do) {
    case 'event':
      by.recorder.event(step.about, step.type, step.reason, step.message)
      return
    case 'requeue':
      by.requeue(step.afterMs)
      return
    case 'fail':
      throw step.error
    case 'together':
      return performTogether(step, by)
    case 'in order':
      return performAll(step.steps, by)
    case 'ask':
      return follow(step, step.ask(), by)
    case 'read':
    case 'fetch':
    case 'list':
      return follow(step, look(step, by), by)
    default:
      by.metrics.writes += 1
      return follow(step, write(step, by), by)
  }
}

const follow = async (
  step: Exclude<Step, { do: 'event' | 'requeue' | 'fail' | 'together' | 'in order' }>,
  going: Promise<unknown>,
  by: Performer,
) => {
  let value: unknown
  try {
    value = await going
  } catch (error) {
    const answer = step.failed?.(error)
    if (!answer) throw error
    return performAll(answer, by)
  }
  const next = step.done?.(value as never)
  if (next) await performAll(next, by)
}

const look = async (step: ReadStep | FetchStep | ListStep, { client }: Performer): Promise<unknown> => {
  if (step.do === 'fetch') return client[step.verb](step.resource, step.target, { query: step.query })
  if (step.do === 'list') return client.list(step.resource, { namespace: step.namespace })
  try {
    return await client.get(step.resource, step.target)
  } catch (error) {
    if (isRefusal(error, 404)) return undefined
    throw error
  }
}

type Write = CreateStep | UpdateStep | PatchStep | RemoveStep | ClearStep

const write = async (step: Write, by: Performer): Promise<unknown> => {
  try {
    if (step.do === 'remove') return await removeObject(step, by)
    if (step.do === 'clear') return await by.client.removeCollection(step.resource, { namespace: step.namespace }, {})
    const object = await send(step, by.client)
    by.barrier.wrote(step.resource, object)
    return object
  } catch (error) {
    // A refusal below 500 says that nothing was done. Anything else may have happened, or still happen.
    if (!(error instanceof Refusal) || error.code >= 500) by.barrier.unknown(step.resource)
    throw error
  }
}

const send = (step: CreateStep | UpdateStep | PatchStep, client: Client) => {
  switch (step.do) {
    case 'create':
      return client.create(step.resource, step.object, step.target)
    case 'update':
      return client.update(step.resource, step.object, step.subresource === undefined ? {} : { subresource: step.subresource })
    case 'patch':
      return client.patch(step.resource, step.target, step.type, step.patch)
  }
}

/** What is gone already is as good as removed; another object of the same name is left alone. */
const removeObject = async ({ resource, object, options }: RemoveStep, { client, barrier }: Performer): Promise<unknown> => {
  const { sameVersion, ...rest } = options
  const { uid, resourceVersion, namespace, name } = object.metadata
  const preconditions = { uid, ...(sameVersion ? { resourceVersion } : {}) }
  let answer: unknown
  try {
    answer = await client.remove(resource, { ...(namespace !== undefined ? { namespace } : {}), name }, { ...rest, preconditions })
  } catch (error) {
    if (!isRefusal(error, 404)) throw error
  }
  barrier.removed(resource, object)
  return answer
}

const performTogether = async (step: TogetherStep, by: Performer): Promise<void> => {
  const outcomes: Outcome[] = []
  let failed = false
  let size = step.slowStart ? 1 : step.steps.length
  for (let at = 0; at < step.steps.length; at += size, size = Math.min(size * 2, step.steps.length)) {
    const batch = step.steps.slice(at, at + size)
    if (failed) {
      outcomes.push(...batch.map((one) => ({ step: one, skipped: true as const })))
      continue
    }
    const ended = await Promise.allSettled(batch.map((one) => perform(one, by)))
    ended.forEach((end, index) => {
      outcomes.push({ step: batch[index] as Step, ...(end.status === 'rejected' ? { error: end.reason } : {}) })
    })
    failed = step.slowStart && ended.some((end) => end.status === 'rejected')
  }
  if (step.after) return performAll(step.after(outcomes), by)
  const failure = outcomes.find((outcome) => 'error' in outcome)
  if (failure) throw failure.error
}
