import type { Pod } from '@skiff/api'

/** What became of the pods of a trace, for its end. */
export interface Tally {
  pod(before: Pod | undefined, after: Pod | undefined, nowMs: number): void
  lines(): readonly string[]
}

interface Waits {
  readonly scheduledMs: number[]
  readonly readyMs: number[]
}

export const isPodReady = (pod: Pod | undefined): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

export const restartsOf = (pod: Pod | undefined): number =>
  (pod?.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)

export const createTally = (): Tally => {
  const counts = { created: 0, succeeded: 0, failed: 0, restarts: 0, gone: 0 }
  const waits: Waits = { scheduledMs: [], readyMs: [] }
  /** By uid: when it was first seen. */
  const seenMs = new Map<string, number>()
  const everReady = new Set<string>()
  const ends = (before: Pod | undefined, after: Pod, phase: string): boolean =>
    after.status?.phase === phase && before?.status?.phase !== phase
  return {
    pod: (before, after, nowMs) => {
      if (!after) {
        counts.gone += 1
        seenMs.delete(before?.metadata.uid ?? '')
        return
      }
      const { uid } = after.metadata
      const replaced = before !== undefined && before.metadata.uid !== uid
      const old = replaced ? undefined : before
      if (replaced) counts.gone += 1
      if (!old) {
        counts.created += 1
        seenMs.set(uid, nowMs)
      }
      const sinceMs = nowMs - (seenMs.get(uid) ?? nowMs)
      if (after.spec.nodeName && !old?.spec.nodeName) waits.scheduledMs.push(sinceMs)
      if (isPodReady(after) && !everReady.has(uid)) {
        everReady.add(uid)
        waits.readyMs.push(sinceMs)
      }
      counts.restarts += Math.max(0, restartsOf(after) - restartsOf(old))
      if (ends(old, after, 'Succeeded')) counts.succeeded += 1
      if (ends(old, after, 'Failed')) counts.failed += 1
    },
    lines: () => [
      `${counts.created} created, ${waits.scheduledMs.length} scheduled, ${waits.readyMs.length} became ready, ${counts.succeeded} succeeded, ${counts.failed} failed, ${counts.restarts} restarts, ${counts.gone} gone`,
      ...waitLine('until scheduled', waits.scheduledMs),
      ...waitLine('until ready', waits.readyMs),
    ],
  }
}

const waitLine = (what: string, waitsMs: readonly number[]): string[] => {
  if (waitsMs.length === 0) return []
  const sorted = waitsMs.toSorted((a, b) => a - b)
  const at = (share: number) => `${((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1_000).toFixed(1)}s`
  return [`${what}: half within ${at(0.5)}, 99 of 100 within ${at(0.99)}, all within ${at(1)}`]
}
