import type { Target } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'
import type { Dynamic } from '../objects/fields.ts'
import { fullName, type Info, targetOf } from '../objects/info.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'

const retryMs = 500

/**
 * Watches one object until `done` says so; `undefined` is passed when it does not exist. Gives what was seen last. Throws kubectl's
 * `timed out waiting for the condition on …` after `timeoutMs`, and an interruption ends it silently.
 */
export const waitUntil = async (
  session: Session,
  info: Info,
  timeoutMs: number,
  done: (object: Dynamic | undefined) => boolean | Promise<boolean>,
): Promise<Dynamic | undefined> => {
  const { client } = await session.connect()
  const ended = new AbortController()
  const cancel = session.env.after(Math.max(0, Math.min(timeoutMs, 2 ** 31 - 1)), () => ended.abort())
  const interrupt = () => ended.abort()
  session.deps.signal?.addEventListener('abort', interrupt)
  const collection: Target = info.resource.namespaced ? { namespace: info.namespace } : {}
  const query = { fieldSelector: `metadata.name=${info.name}` }
  try {
    for (;;) {
      const list = await client.list(info.resource, collection, { query })
      const found = list.items[0] as Dynamic | undefined
      if (await done(found)) return found
      if (timeoutMs === 0) throw new UsageError(`condition not met for ${plural(info)}/${info.name}`)
      if (ended.signal.aborted) throw timedOut(info)
      const frames = await client
        .watch(info.resource, collection, { query: { ...query, resourceVersion: list.metadata.resourceVersion }, signal: ended.signal })
        .catch((error) => {
          if (isRefusal(error, 410)) return []
          if (ended.signal.aborted) throw timedOut(info)
          throw error
        })
      for await (const batch of frames)
        for (const { type, object } of batch) {
          if (type === 'ERROR' || type === 'BOOKMARK') continue
          const now = type === 'DELETED' ? undefined : (object as Dynamic)
          if (await done(now)) return now
        }
      if (ended.signal.aborted) throw timedOut(info)
      await session.env.sleep(retryMs, ended.signal)
    }
  } finally {
    cancel()
    ended.abort()
    session.deps.signal?.removeEventListener('abort', interrupt)
  }
}

const timedOut = (info: Info): Error => new UsageError(`timed out waiting for the condition on ${plural(info)}/${targetOf(info).name}`)
const plural = ({ resource }: Info): string =>
  resource.group === '' ? resource.plural : fullName({ kind: resource.plural, group: resource.group }, '').slice(0, -1)
