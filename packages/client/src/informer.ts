import type { Resource } from '@skiff/api'
import type { Env, KubeObject } from '@skiff/machinery'
import { isRefusal, keyOf, Refusal } from '@skiff/machinery'
import { createBackoff } from './backoff.ts'
import type { Frame, ListValue } from './call.ts'
import type { Client } from './client.ts'
import { createIndexed } from './indexed.ts'
import type { View, ViewChange } from './view.ts'

export interface Informer<T extends KubeObject = KubeObject> extends View<T> {
  /** Ends the watch; the objects stay readable. Resolves when nothing of it runs any more. */
  close(): Promise<void>
}

/** Opaque by contract, but ordered within one resource: all that an informer compares. What is no number counts as "unknown". */
const revisionOf = (object: { readonly metadata: { readonly resourceVersion?: string } }): number =>
  Number(object.metadata.resourceVersion) || 0

/**
 * Keeps a view by list and watch: lists, watches from the list's revision, resumes from the newest revision after the watch ends,
 * lists again when that is too old. Objects that come from a near server are the server's own.
 *
 * Ordering: a batch is applied as a whole, then its changes are told in order; waiters of `reached` are woken last, so that who
 * waited finds every subscriber told.
 */
export const createInformer = <T extends KubeObject>(client: Client, resource: Resource<T>, env: Env): Informer<T> => {
  const objects = createIndexed<T>()
  const subscribers = new Set<(change: ViewChange<T>) => void>()
  const waiters = new Set<{ readonly revision: number; readonly met: (ok: boolean) => void }>()
  const closing = new AbortController()
  const synced = Promise.withResolvers<void>()
  let isSynced = false
  let revision = 0

  const tell = (changes: readonly ViewChange<T>[]): void => {
    for (const change of changes)
      for (const subscriber of subscribers)
        try {
          subscriber(change)
        } catch (error) {
          env.log.error('a subscriber of a view failed', { resource: resource.plural, key: change.key, error: String(error) })
        }
  }
  const advance = (to: number): void => {
    revision = Math.max(revision, to)
    for (const waiter of waiters) if (waiter.revision <= revision) waiter.met(true)
  }

  const put = (key: string, after: T | undefined, changes: ViewChange<T>[]): void => {
    const before = objects.set(key, after)
    if (before !== undefined || after !== undefined) changes.push({ key, before, after })
  }
  /** A list that is older than what the watch brought has nothing to tell. */
  const mergeList = (list: ListValue<T>): void => {
    const listed = revisionOf(list)
    if (isSynced && listed < revision) return
    const changes: ViewChange<T>[] = []
    const present = new Set<string>()
    for (const object of list.items) {
      const key = keyOf(object)
      present.add(key)
      const held = objects.get(key)
      if (held === undefined || held.metadata.resourceVersion !== object.metadata.resourceVersion) put(key, object, changes)
    }
    const vanished: string[] = []
    for (const object of objects.list()) if (!present.has(keyOf(object))) vanished.push(keyOf(object))
    for (const key of vanished) put(key, undefined, changes)
    isSynced = true
    tell(changes)
    advance(listed)
    synced.resolve()
  }
  const applyBatch = (frames: readonly Frame<T>[]): void => {
    const changes: ViewChange<T>[] = []
    let newest = revision
    let failure: unknown
    for (const frame of frames) {
      if (frame.type === 'ERROR') {
        failure = refusalOf(frame.object)
        break
      }
      const at = revisionOf(frame.object)
      if (frame.type !== 'BOOKMARK') applyFrame(frame, at, newest, changes)
      newest = Math.max(newest, at)
    }
    tell(changes)
    advance(newest)
    if (failure) throw failure
  }
  const applyFrame = (frame: Frame<T>, at: number, newest: number, changes: ViewChange<T>[]): void => {
    const key = keyOf(frame.object)
    if (frame.type !== 'DELETED') {
      // Told before: a repeated delivery, or a list that was ahead of the watch.
      if (at === 0 || at > newest) put(key, frame.object, changes)
      return
    }
    const held = objects.get(key)
    if (held && held.metadata.uid === frame.object.metadata.uid && revisionOf(held) <= at) put(key, undefined, changes)
  }

  const relist = async (query: Record<string, string>): Promise<void> => {
    try {
      mergeList(await client.list(resource, {}, { query, signal: closing.signal }))
    } catch (error) {
      // The kind is not served (any more): a definition that is gone took its objects with it.
      if (isRefusal(error, 404) || isRefusal(error, 405))
        mergeList({ apiVersion: '', kind: '', metadata: { resourceVersion: String(revision) }, items: [] })
      throw error
    }
  }
  const watchOnce = async (): Promise<void> => {
    const query = {
      watch: 'true',
      resourceVersion: String(revision),
      allowWatchBookmarks: 'true',
      // As upstream: servers end watches between 5 and 10 minutes, not all of them at once.
      timeoutSeconds: String(Math.floor(300 * (1 + env.random()))),
    }
    const watch = await client.watch(resource, {}, { query, signal: closing.signal })
    for await (const frames of watch) {
      if (closing.signal.aborted) return
      applyBatch(frames)
    }
  }
  const backoff = createBackoff(env, { baseMs: 100, maxMs: 30_000, jitter: 1, resetMs: 120_000 })
  const run = async (): Promise<void> => {
    let mustList = true
    while (!closing.signal.aborted) {
      const startedMs = env.monotonicMs()
      try {
        if (mustList) await relist(isSynced ? {} : { resourceVersion: '0' })
        mustList = false
        await watchOnce()
        if (env.monotonicMs() - startedMs > 1_000) continue
      } catch (error) {
        if (closing.signal.aborted) return
        mustList ||= isRefusal(error, 410) || isRefusal(error, 404)
        env.log.debug('watch ended', { resource: resource.plural, error: String(error) })
      }
      await env.sleep(backoff.nextMs(), closing.signal)
    }
  }
  const running = run()

  let refreshing: Promise<void> | undefined
  let queued: Promise<void> | undefined
  const startRefresh = (): Promise<void> => {
    refreshing = relist({}).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  return {
    resource,
    get: objects.get,
    list: objects.list,
    ownedBy: objects.ownedBy,
    indexed: objects.indexed,
    addIndex: objects.addIndex,
    get size() {
      return objects.size
    },
    subscribe: (onChange) => {
      // What is here already is told first, so that a late subscriber misses nothing.
      for (const object of [...objects.list()]) onChange({ key: keyOf(object), before: undefined, after: object })
      subscribers.add(onChange)
      return () => subscribers.delete(onChange)
    },
    synced: synced.promise,
    get isSynced() {
      return isSynced
    },
    get revision() {
      return revision
    },
    reached: (wanted, deadlineMs) => {
      if (wanted <= revision) return Promise.resolve(true)
      return new Promise((resolve) => {
        const met = (ok: boolean) => {
          waiters.delete(waiter)
          cancel()
          resolve(ok)
        }
        const waiter = { revision: wanted, met }
        const cancel = env.after(deadlineMs, () => met(false))
        waiters.add(waiter)
      })
    },
    refresh: () => {
      // A list that is under way may be older than what the caller just wrote: only one that starts now will do.
      if (!refreshing) return startRefresh()
      queued ??= refreshing
        .catch(() => {})
        .then(() => {
          queued = undefined
          return startRefresh()
        })
      return queued
    },
    close: async () => {
      closing.abort()
      for (const waiter of waiters) waiter.met(false)
      await running
    },
  }
}

const refusalOf = (status: unknown): Refusal => {
  const { code, reason, message } = status as { code?: number; reason?: string; message?: string }
  return new Refusal(code ?? 500, reason ?? 'InternalError', message ?? 'the watch failed')
}
