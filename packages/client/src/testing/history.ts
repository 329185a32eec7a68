import type { KubeObject } from '@skiff/machinery'
import { expired } from '@skiff/machinery'
import type { Frame } from '../call.ts'

export interface Recorded extends Frame {
  readonly revision: number
  readonly plural: string
}

/** What happened, in order, and who wants to hear of it. */
export interface History {
  add(plural: string, type: Frame['type'], object: KubeObject, revision: number): void
  /** Everything of `plural` after `revision`, then what comes; throws Expired when that is forgotten. */
  watch(plural: string, revision: number, initial: readonly Frame[], signal: AbortSignal | undefined): AsyncIterable<readonly Frame[]>
  /** Forgets what came before `revision`, and ends every watch when `cut` is true. */
  compact(revision: number, cut?: boolean): void
}

export const createHistory = (): History => {
  let recorded: Recorded[] = []
  let oldest = 0
  const wakes = new Set<(ended: boolean) => void>()
  const wake = (ended: boolean) => {
    for (const one of [...wakes]) one(ended)
  }
  async function* follow(plural: string, start: number, initial: readonly Frame[], signal: AbortSignal | undefined) {
    let after = start
    let ended = false
    if (initial.length > 0) yield initial
    while (!ended && !signal?.aborted) {
      if (after < oldest) throw expired(`too old resource version: ${after} (${oldest})`)
      const fresh = recorded.filter((one) => one.revision > after && one.plural === plural)
      const last = fresh.at(-1)
      if (last) {
        after = last.revision
        yield fresh.map(({ type, object }) => ({ type, object }))
        continue
      }
      after = Math.max(after, recorded.at(-1)?.revision ?? after)
      ended = await new Promise<boolean>((resolve) => {
        const done = (end: boolean) => {
          wakes.delete(done)
          signal?.removeEventListener('abort', stop)
          resolve(end)
        }
        const stop = () => done(true)
        wakes.add(done)
        signal?.addEventListener('abort', stop, { once: true })
      })
    }
  }
  return {
    add: (plural, type, object, revision) => {
      recorded.push({ plural, type, object, revision })
      wake(false)
    },
    watch: (plural, revision, initial, signal) => {
      if (revision < oldest) throw expired(`too old resource version: ${revision} (${oldest})`)
      return follow(plural, revision, initial, signal)
    },
    compact: (revision, cut = false) => {
      oldest = Math.max(oldest, revision)
      recorded = recorded.filter((one) => one.revision >= revision)
      if (cut) wake(true)
    },
  }
}
