import type { PodInfo } from '../snapshot/pod-info.ts'

/** Pods that wait for room that preemption makes on a node: others of less importance must not take it. */
export interface Nominations {
  set(pod: PodInfo, nodeName: string): void
  clear(uid: string): void
  nodeOf(uid: string): string | undefined
  on(nodeName: string): readonly PodInfo[]
  readonly size: number
}

export const createNominations = (): Nominations => {
  const byUid = new Map<string, { readonly pod: PodInfo; readonly nodeName: string }>()
  return {
    set: (pod, nodeName) => byUid.set(pod.uid, { pod, nodeName }),
    clear: (uid) => byUid.delete(uid),
    nodeOf: (uid) => byUid.get(uid)?.nodeName,
    on: (nodeName) => [...byUid.values()].filter((each) => each.nodeName === nodeName).map((each) => each.pod),
    get size() {
      return byUid.size
    },
  }
}
