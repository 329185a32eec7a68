import { Compacted, type WatchRequest } from '../store.ts'
import type { Watchers } from '../watchers.ts'
import type { Answer } from './protocol.ts'
import { changesIn } from './rows.ts'
import type { WorkerLink } from './worker-link.ts'

/**
 * Starts a watch: history from the file first, then live. Nothing is lost or doubled in between, because the link keeps its order:
 * when the last chunk arrives, every batch that it holds has been published and none after it.
 */
export const startWatch = async (request: WatchRequest, link: WorkerLink, live: Watchers): Promise<() => void> => {
  let seen = request.after
  let stop: (() => void) | undefined
  let failure: unknown

  const take = (answer: Answer) => {
    if (failure !== undefined) return
    if (seen < answer.floor) {
      failure = new Compacted(answer.floor + 1)
      return
    }
    const changes = changesIn(answer.records)
    // Joins before it delivers: a delivery may commit, and that change must not pass by.
    seen = Math.max(seen, answer.revision)
    if (answer.end) stop = live.add(request, seen)
    if (changes.length > 0) request.deliver(changes)
  }

  await link.stream({ ask: 'history', prefix: request.prefix, after: request.after }, (answer) => {
    try {
      take(answer)
    } catch (error) {
      failure = error
      stop?.()
    }
  })
  if (failure !== undefined) throw failure
  return () => stop?.()
}
