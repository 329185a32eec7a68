import type { Upstream } from './message.ts'

export interface Kept {
  readonly upstream: Upstream
  readonly ageSeconds: number
}

/** Replies of other servers for as long as they may be kept, the most recently asked for first. */
export interface ReplyCache {
  get(key: string, nowMs: number): Kept | undefined
  put(key: string, upstream: Upstream, nowMs: number): void
}

/** As kubeadm's Corefile has it: `cache 30`. */
const LONGEST_SECONDS = 30

export const createCache = (mostEntries = 10_000): ReplyCache => {
  const entries = new Map<string, { readonly upstream: Upstream; readonly bornMs: number; readonly untilMs: number }>()
  return {
    get(key, nowMs) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      entries.delete(key)
      if (nowMs >= entry.untilMs) return undefined
      entries.set(key, entry)
      return { upstream: entry.upstream, ageSeconds: Math.floor((nowMs - entry.bornMs) / 1_000) }
    },
    put(key, upstream, nowMs) {
      const seconds = Math.min(LONGEST_SECONDS, upstream.keepSeconds)
      if (seconds <= 0) return
      entries.delete(key)
      entries.set(key, { upstream, bornMs: nowMs, untilMs: nowMs + seconds * 1_000 })
      for (const oldest of entries.keys()) {
        if (entries.size <= mostEntries) break
        entries.delete(oldest)
      }
    },
  }
}
