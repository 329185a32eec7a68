import type { Resource } from '@skiff/api'
import { resourceKey } from '@skiff/api'
import type { View, Views } from '@skiff/client'
import type { Env, KubeObject } from '@skiff/machinery'
import { keyOf } from '@skiff/machinery'

// As long as a view may lag behind our own writes before it is no longer trusted.
const deadlineMs = 5_000

/** What one plan wrote, so that the next plan of the same key can wait until the views show it. */
export interface Barrier {
  /** `object` is what the server answered to a create, update or patch. */
  wrote(resource: Resource, object: KubeObject): void
  removed(resource: Resource, object: KubeObject): void
  /** A write whose outcome nobody knows: only a fresh list tells. */
  unknown(resource: Resource): void
  /** Resolves when the views show all of it, or were listed afresh. False: a list failed; do not plan on them, try again. */
  passed(): Promise<boolean>
}

/** Waits of removed objects, one subscription a view. */
export interface Departures {
  /** Resolves when the view no longer shows `object` as it was: gone, replaced or, unless it is to go `entirely`, marked as being deleted. */
  wait(view: View, object: KubeObject, deadlineMs: number, entirely: boolean): Promise<boolean>
  close(): void
}

export const createDepartures = (env: Env): Departures => {
  const waits = new Map<View, Map<string, Set<() => void>>>()
  const stops: (() => void)[] = []
  const waitsOf = (view: View): Map<string, Set<() => void>> => {
    const held = waits.get(view)
    if (held) return held
    const made = new Map<string, Set<() => void>>()
    waits.set(view, made)
    stops.push(
      view.subscribe(({ key }) => {
        for (const look of made.get(key) ?? []) look()
      }),
    )
    return made
  }
  return {
    wait: (view, object, limitMs, entirely) => {
      const key = keyOf(object)
      const left = () => {
        const held = view.get(key)
        if (!held || held.metadata.uid !== object.metadata.uid) return true
        return !entirely && held.metadata.deletionTimestamp !== undefined
      }
      if (left()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const byKey = waitsOf(view)
        const end = (ok: boolean) => {
          cancel()
          const looks = byKey.get(key)
          looks?.delete(look)
          if (looks?.size === 0) byKey.delete(key)
          resolve(ok)
        }
        const look = () => {
          if (left()) end(true)
        }
        const cancel = env.after(limitMs, () => end(false))
        const looks = byKey.get(key)
        if (looks) looks.add(look)
        else byKey.set(key, new Set([look]))
      })
    },
    close: () => {
      for (const stop of stops.splice(0)) stop()
    },
  }
}

/**
 * The write took the last finalizer of an object that was being deleted, and so the object. As upstream, the answer has the version from
 * before: a view that shows that one has yet to hear of it.
 */
const hasGone = ({ kind, metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  (metadata.finalizers?.length ?? 0) === 0 &&
  // That is held by finalizers in its spec as well.
  kind !== 'Namespace'

/** `watches` says whether the controller watches a resource: what it never reads need not be waited for. */
export const createBarrier = (views: Views, departures: Departures, watches: (resource: Resource) => boolean): Barrier => {
  const newest = new Map<string, { readonly resource: Resource; revision: number }>()
  const gone: { readonly resource: Resource; readonly object: KubeObject; readonly entirely: boolean }[] = []
  const doubtful = new Map<string, Resource>()

  return {
    wrote: (resource, object) => {
      const revision = Number(object.metadata?.resourceVersion) || 0
      if (!watches(resource) || revision === 0) return
      if (hasGone(object)) {
        gone.push({ resource, object, entirely: true })
        return
      }
      const held = newest.get(resourceKey(resource))
      if (held) held.revision = Math.max(held.revision, revision)
      else newest.set(resourceKey(resource), { resource, revision })
    },
    removed: (resource, object) => {
      if (watches(resource)) gone.push({ resource, object, entirely: false })
    },
    unknown: (resource) => {
      if (watches(resource)) doubtful.set(resourceKey(resource), resource)
    },
    passed: async () => {
      const doubt = (resource: Resource) => (ok: boolean) => {
        if (!ok) doubtful.set(resourceKey(resource), resource)
      }
      await Promise.all([
        ...[...newest.values()].map(({ resource, revision }) => views.view(resource).reached(revision, deadlineMs).then(doubt(resource))),
        ...gone.map(({ resource, object, entirely }) =>
          departures.wait(views.view(resource), object, deadlineMs, entirely).then(doubt(resource)),
        ),
      ])
      newest.clear()
      gone.length = 0
      for (const [id, resource] of doubtful)
        try {
          // Of a kind that went with its definition nobody reads any more.
          if (!watches(resource)) {
            doubtful.delete(id)
            continue
          }
          await views.view(resource).refresh()
          doubtful.delete(id)
        } catch {
          return false
        }
      return true
    },
  }
}
