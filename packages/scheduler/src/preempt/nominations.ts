import type { PodInfo } from '../snapshot/pod-info.ts'

/** Pods that wait for room that preemption makes on a node: others of less importance must not take it. */
export interface Nominations {
  set(pod: PodInfo, nodeName: string): void
  clear(uid: string): void
  nodeOf(uid: string): string | undefined
  on(nodeName: string): readonly PodInfo[]
  readonly size: number
}

const nobody: readonly PodInfo[] = []

/** `touched`: who is promised room on a node changed. */
export const createNominations = (touched: (nodeName: string) => void = () => {}): Nominations => {
  const nodes = new Map<string, string>()
  const byNode = new Map<string, PodInfo[]>()
  const clear = (uid: string): void => {
    const nodeName = nodes.get(uid)
    if (nodeName === undefined) return
    nodes.delete(uid)
    const left = (byNode.get(nodeName) ?? []).filter((pod) => pod.uid !== uid)
    if (left.length > 0) byNode.set(nodeName, left)
    else byNode.delete(nodeName)
    touched(nodeName)
  }
  return {
    set: (pod, nodeName) => {
      clear(pod.uid)
      nodes.set(pod.uid, nodeName)
      byNode.set(nodeName, [...(byNode.get(nodeName) ?? nobody), pod])
      touched(nodeName)
    },
    clear,
    nodeOf: (uid) => nodes.get(uid),
    on: (nodeName) => byNode.get(nodeName) ?? nobody,
    get size() {
      return nodes.size
    },
  }
}
