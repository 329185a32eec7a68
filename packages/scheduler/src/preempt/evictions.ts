import type { PodInfo } from '../snapshot/pod-info.ts'

/** Room that preemption is making: for whom, and which pods were told to go though no watch shows it yet. */
export interface Evictions {
  begin(preemptor: PodInfo, victims: readonly PodInfo[]): void
  /** But one, all victims were told. What happens next may let the preemptor in. */
  ready(preemptor: PodInfo): void
  failed(victims: readonly PodInfo[]): void
  isMakingRoomFor(uid: string): boolean
  isLeaving(pod: PodInfo): boolean
}

export const createEvictions = (): Evictions => {
  const preemptors = new Set<string>()
  // By identity: once the watch shows it, there is another PodInfo that says so itself.
  const leaving = new WeakSet<PodInfo>()
  return {
    begin: (preemptor, victims) => {
      preemptors.add(preemptor.uid)
      for (const victim of victims) leaving.add(victim)
    },
    ready: ({ uid }) => preemptors.delete(uid),
    failed: (victims) => {
      for (const victim of victims) leaving.delete(victim)
    },
    isMakingRoomFor: (uid) => preemptors.has(uid),
    isLeaving: (pod) => leaving.has(pod),
  }
}
