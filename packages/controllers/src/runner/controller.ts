import type { Resource } from '@skiff/api'
import type { ViewChange, Views } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { controllerOf, keyOf, splitApiVersion } from '@skiff/machinery'
import type { Steps } from './step.ts'

/** A resource that a controller observes, and which of its keys a change concerns. */
export interface Watched<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>
  readonly keys: (change: ViewChange<T>, views: Views, nowMs: number) => readonly string[]
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>
}

/**
 * What a controller is: what it watches, and what to do about one key, decided from the views alone. `plan` is synchronous and pure:
 * equal views and an equal clock give equal steps.
 */
export interface Controller {
  /** Upstream's name, as in `--controllers`: deployment-controller. */
  readonly name: string
  /** The service account in kube-system that it acts as. */
  readonly account: string
  /** The source of its events. */
  readonly component: string
  /** Asked again every few seconds where `dynamic`: kinds come and go with their definitions. */
  readonly watches: () => readonly Watched<never>[]
  readonly dynamic?: boolean
  /** Keys planned at the start, whether or not anything changed. */
  readonly initial?: readonly string[]
  readonly plan: (key: string, views: Views, nowMs: number) => Steps
  /** How long a key that failed waits before it is planned again, doubled each time; absent: 5 ms to 1,000 s, as upstream. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number }
  /** How many keys may be in work at once. */
  readonly concurrency?: number
}

/** A controller whose keys are the objects of one resource. */
export interface ObjectController<T extends KubeObject> extends Omit<Controller, 'plan' | 'watches' | 'component'> {
  readonly component?: string
  readonly resource: Resource<T>
  readonly watches?: readonly Watched<never>[]
  readonly plan: (object: T, views: Views, nowMs: number) => Steps
  /** When the object is gone. */
  readonly gone?: (key: string, views: Views, nowMs: number) => Steps
  /** Which of its own changes matter; absent: all. */
  readonly concerns?: (change: ViewChange<T>, views: Views) => boolean
}

export const objectController = <T extends KubeObject>(spec: ObjectController<T>): Controller => {
  const { resource, watches = [], plan, gone, concerns, ...rest } = spec
  const own: Watched<T> = { resource, keys: (change, views) => (concerns === undefined || concerns(change, views) ? [change.key] : []) }
  const all: readonly Watched<never>[] = [own as unknown as Watched<never>, ...watches]
  return {
    component: spec.name,
    ...rest,
    watches: () => all,
    plan: (key, views, nowMs) => {
      const object = views.view(resource).get(key)
      return object ? plan(object, views, nowMs) : (gone?.(key, views, nowMs) ?? [])
    },
  }
}

/** Typed where it is written, untyped where it is listed. */
export const watching = <T extends KubeObject>(watched: Watched<T>): Watched<never> => watched as unknown as Watched<never>

/** Observed and read by plans, but its changes concern no key. */
export const reading = <T extends KubeObject>(resource: Resource<T>, indexes?: Watched<T>['indexes']): Watched<never> =>
  watching({ resource, keys: () => [], ...(indexes ? { indexes } : {}) })

const none: readonly string[] = []

/** Objects that an object of `owner` controls; both the old and the new owner hear of a change. */
export const owned = <T extends KubeObject>(
  resource: Resource<T>,
  owner: Resource,
  more?: Pick<Watched<T>, 'indexes'> & { readonly orphans?: Watched<T>['keys'] },
): Watched<never> =>
  watching<T>({
    resource,
    keys: (change, views, nowMs) => {
      const { before, after } = change
      const was = before && controllerKey(before, owner)
      const is = after && controllerKey(after, owner)
      if (is !== undefined) return was === undefined || was === is ? [is] : [was, is]
      const lost = was === undefined ? none : [was]
      if (!after || !more?.orphans || controllerOf(after)) return lost
      const orphans = more.orphans(change, views, nowMs)
      return was === undefined ? orphans : [was, ...orphans]
    },
    ...(more?.indexes ? { indexes: more.indexes } : {}),
  })

/** The key of the object of kind `owner` that controls `object`. */
export const controllerKey = (object: KubeObject, owner: Resource): string | undefined => {
  const reference = controllerOf(object)
  if (!reference || reference.kind !== owner.kind || splitApiVersion(reference.apiVersion).group !== owner.group) return undefined
  return keyOf({ metadata: { ...(object.metadata.namespace ? { namespace: object.metadata.namespace } : {}), name: reference.name } })
}
