import type { Resource } from '@skiff/api'
import type { Client, EventRecorder, View, ViewChange } from '@skiff/client'
import { type Env, isRefusal, type KubeObject, keyOf } from '@skiff/machinery'
import type { Lanes } from '../lanes.ts'
import type { Wheel } from '../wheel.ts'
import { chooseStage, type Effect, type Stage } from './stage.ts'

export interface PlayerOptions<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly view: View<T>
  readonly stages: readonly Stage<T>[]
  readonly env: Env
  readonly wheel: Wheel
  readonly lanes: Lanes
  /** Whether the object is played at all: a pod on a node that is ours and alive. */
  readonly isOurs: (object: T) => boolean
  /** Who writes, for this object. */
  readonly clientFor: (object: T) => Client
  /** Who writes what stages of a file say: it may be anything. */
  readonly maker: Client
  readonly recorder: Pick<EventRecorder, 'event'>
  /** Where objects that stages apply belong. Throws for a kind that is not served. */
  readonly resourceOf: (object: KubeObject) => Resource
}

export interface Player {
  /** Looks at every object again, after something outside the objects has changed (a node came back). */
  review(): void
  stop(): void
}

const retryMs = 1_000

interface Pending<T extends KubeObject> {
  /** Absent: the next change chooses anew, or time does. */
  readonly stage: Stage<T> | undefined
  /** Among which it was chosen. */
  readonly among: readonly Stage<T>[]
  readonly cancel: () => void
}

/**
 * Plays stages on the objects of a view. An object has at most one stage in waiting and one write on its way. A stage that was chosen
 * stays chosen as long as the same ones match: what others write to the object does not start its delay anew. When others match, it is drawn again. What a stage
 * writes comes back as a change, which is looked at like any other: so one stage leads to the next.
 */
export const createPlayer = <T extends KubeObject>(options: PlayerOptions<T>): Player => {
  const { view, stages, env, wheel, lanes, isOurs } = options
  const pending = new Map<string, Pending<T>>()
  /** Keys whose stage is being written: their changes are looked at when that is done. */
  const writing = new Set<string>()
  let stopped = false

  const drop = (key: string): void => {
    pending.get(key)?.cancel()
    pending.delete(key)
  }
  const look = (key: string, object: T): void => {
    const matching = stages.filter((stage) => stage.matches(object))
    const held = pending.get(key)
    if (held) {
      const isMatching = held.stage !== undefined && matching.includes(held.stage)
      if (isMatching && matching.length === held.among.length && matching.every((each, i) => each === held.among[i])) return
      const stage = chooseStage(matching, object, env.random)
      if (isMatching && stage === held.stage) {
        pending.set(key, { ...held, among: matching })
        return
      }
      drop(key)
      start(key, object, stage, matching)
    } else start(key, object, chooseStage(matching, object, env.random), matching)
  }
  const start = (key: string, object: T, stage: Stage<T> | undefined, among: readonly Stage<T>[]): void => {
    if (!stage) return
    const delayMs = stage.delayMs?.(object, env.random, env.now()) ?? 0
    if (delayMs <= 0) play(key, stage)
    else
      pending.set(key, {
        stage,
        among,
        cancel: wheel.after(delayMs, () => {
          pending.delete(key)
          play(key, stage)
        }),
      })
  }
  const play = (key: string, stage: Stage<T>): void => {
    writing.add(key)
    lanes.run(async () => {
      const object = view.get(key)
      let again = false
      try {
        if (object && isOurs(object) && stage.matches(object)) {
          const effect = stage.next(object, env.now())
          if (effect) await perform(options, object, effect)
          // Only what waits: a stage without delay that changes nothing would be played without end.
          again = stage.isImmediate === true && (stage.delayMs?.(object, env.random, env.now()) ?? 0) > 0
        } else again = true
      } catch (error) {
        again = failed(key, stage, error)
      }
      writing.delete(key)
      const held = view.get(key)
      if (!stopped && held && isOurs(held) && (again || held !== object)) look(key, held)
    })
  }
  const lookLater = (key: string): void => {
    const again = () => {
      pending.delete(key)
      const held = view.get(key)
      if (held && isOurs(held)) look(key, held)
    }
    pending.set(key, { stage: undefined, among: [], cancel: wheel.after(retryMs, again) })
  }
  /** Whether to look again at once; otherwise what made the write fail brings a change, or time does. */
  const failed = (key: string, stage: Stage<T>, error: unknown): boolean => {
    if (stopped || isRefusal(error, 404)) return false
    if (isRefusal(error, 409)) {
      lookLater(key)
      return false
    }
    env.log.warn('a stage was not written', { stage: stage.name, key, error: String(error) })
    pending.set(key, {
      stage,
      among: [],
      cancel: wheel.after(retryMs, () => {
        pending.delete(key)
        play(key, stage)
      }),
    })
    return false
  }
  const changed = ({ key, after }: Pick<ViewChange<T>, 'key' | 'after'>): void => {
    if (!after || !isOurs(after)) drop(key)
    else if (!writing.has(key)) look(key, after)
  }
  const unsubscribe = view.subscribe(changed)
  return {
    review: () => {
      for (const object of view.list()) changed({ key: keyOf(object), after: object })
    },
    stop: () => {
      stopped = true
      unsubscribe()
      for (const [key] of pending) drop(key)
    },
  }
}

const perform = async <T extends KubeObject>(options: PlayerOptions<T>, object: T, effect: Effect<T>) => {
  const { resource, clientFor, maker, recorder } = options
  const client = clientFor(object)
  const { namespace, name, uid } = object.metadata
  const target = { ...(namespace !== undefined ? { namespace } : {}), name }
  const written = effect.object ? await client.update(resource, effect.object) : undefined
  if (effect.status) await client.update(resource, written ? ofVersion(effect.status, written) : effect.status, { subresource: 'status' })
  for (const applied of effect.applies ?? []) await apply(options, applied)
  for (const { subresource, type, body, as } of effect.patches ?? []) {
    const writer = as === undefined ? maker : maker.as({ name: as, groups: ['system:authenticated'] })
    await writer.patch(resource, { ...target, ...(subresource ? { subresource } : {}) }, type, body)
  }
  for (const { type, reason, message } of effect.events ?? []) recorder.event(object, type, reason, message)
  if (effect.delete) await client.remove(resource, target, { gracePeriodSeconds: 0, preconditions: { uid } })
}

const apply = async <T extends KubeObject>({ maker, resourceOf }: PlayerOptions<T>, object: KubeObject): Promise<void> => {
  const resource = resourceOf(object)
  const { name, namespace = 'default' } = object.metadata
  const where = resource.namespaced ? { namespace } : {}
  const placed = { ...object, metadata: { ...object.metadata, ...where } }
  await maker.patch(resource, { ...where, name }, 'apply', placed, { query: { fieldManager: 'skiff-simulation', force: 'true' } })
}

const ofVersion = <T extends KubeObject>(object: T, { metadata }: KubeObject): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: metadata.resourceVersion },
})
