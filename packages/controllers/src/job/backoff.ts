import type { Pod } from '@skiff/api'

/** Failures of a Job's pods since the last success. */
export interface Failures {
  readonly count: number
  readonly lastMs: number
}

/** What was counted before and is no longer seen in the pods, by key of the Job. Lost when another process leads, as upstream's is. */
export type Failed = Map<string, { readonly uid: string; readonly failures: Failures | undefined }>

// A first failure waits 10 s for its replacement, each further one in a row twice as long, at most 10 minutes.
const firstWaitMs = 10_000
const longestWaitMs = 600_000

const backoffMs = (count: number): number => Math.min(longestWaitMs, firstWaitMs * 2 ** (count - 1))

const time = (text: string | undefined): number | undefined => {
  const atMs = Date.parse(text ?? '')
  return Number.isNaN(atMs) ? undefined : atMs
}

const containersEndedMs = ({ status }: Pod): number | undefined => {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => time(state?.terminated?.finishedAt))
  return ends.length === 0 || ends.includes(undefined) ? undefined : Math.max(...(ends as number[]))
}
const notReadyMs = ({ status }: Pod): number | undefined => {
  const ready = status?.conditions?.find((one) => one.type === 'Ready')
  return ready?.status === 'False' ? time(ready.lastTransitionTime) : undefined
}
const deletedMs = ({ metadata }: Pod): number | undefined => {
  const atMs = time(metadata.deletionTimestamp)
  return atMs === undefined ? undefined : atMs - (metadata.deletionGracePeriodSeconds ?? 0) * 1_000
}
/** When a pod that ended or was deleted did so. */
const endedMs = (pod: Pod): number =>
  containersEndedMs(pod) ?? notReadyMs(pod) ?? deletedMs(pod) ?? Date.parse(pod.metadata.creationTimestamp)

/** `before` with what ended since; a success starts anew. */
export const failuresWith = (before: Failures | undefined, succeeded: readonly Pod[], failed: readonly Pod[]): Failures | undefined => {
  const lastSuccessMs = Math.max(...succeeded.map(endedMs))
  const ends = failed.map(endedMs).filter((atMs) => atMs > lastSuccessMs)
  const held = succeeded.length > 0 ? undefined : before
  return ends.length === 0 ? held : { count: (held?.count ?? 0) + ends.length, lastMs: Math.max(...ends) }
}

/** When the next pod may be made, after those that failed in a row. */
export const nextTryMs = (failures: Failures | undefined): number => (failures ? failures.lastMs + backoffMs(failures.count) : 0)

/** When the index of a failed pod may be tried again; `tries` are its failures, this one included. */
export const nextIndexTryMs = (last: Pod, tries: number): number => endedMs(last) + backoffMs(tries)
