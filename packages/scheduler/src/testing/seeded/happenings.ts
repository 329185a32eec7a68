import type { Node, Pod } from '@skiff/api'
import { type PodInfo, podInfoOf } from '../../snapshot/pod-info.ts'
import type { Snapshot } from '../../snapshot/snapshot.ts'
import { zoneKey, zones } from './dice.ts'
import type { Ledger } from './ledger.ts'
import { type SeededCluster, seededNode } from './seeded-cluster.ts'

interface Stage {
  readonly seeded: SeededCluster
  readonly ledger: Ledger
  readonly snapshot: Snapshot
  /** Of the placed pods, as the snapshot holds them. */
  readonly infos: Map<string, PodInfo>
}

/** What happens besides scheduling, told to the snapshot as the scheduler's event handlers tell it. */
export const createHappenings = ({ seeded: { dice }, ledger, snapshot, infos }: Stage) => {
  const { pick, sometimes } = dice
  const removePod = (uid: string): void => {
    const info = infos.get(uid)
    const nodeName = ledger.placed.get(uid)?.spec.nodeName
    if (info && nodeName !== undefined) snapshot.removePod(info, nodeName)
    infos.delete(uid)
    ledger.placed.delete(uid)
  }
  const updatePod = (uid: string, change: (pod: Pod) => Pod): void => {
    const before = infos.get(uid)
    const pod = ledger.placed.get(uid)
    if (!before || !pod) return
    const after = change(pod)
    const nodeName = after.spec.nodeName ?? ''
    const info = podInfoOf(after)
    snapshot.removePod(before, nodeName)
    snapshot.addPod(info, nodeName)
    infos.set(uid, info)
    ledger.placed.set(uid, after)
  }
  const terminate = (uid: string): void =>
    updatePod(uid, (pod) => ({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2025-01-02T00:00:00Z' } }))
  const setNode = (node: Node): void => {
    ledger.setNode(node)
    snapshot.setNode(node)
  }
  const removeNode = (name: string): void => {
    for (const [uid, pod] of ledger.placed) if (pod.spec.nodeName === name) removePod(uid)
    ledger.nodes.delete(name)
    snapshot.removeNode(name)
  }
  const terminating = (): string[] => [...ledger.placed].filter(([, pod]) => pod.metadata.deletionTimestamp).map(([uid]) => uid)
  const onPod = (act: (uid: string) => void): void => {
    if (ledger.placed.size > 0) act(pick([...ledger.placed.keys()]))
  }
  const onNode = (act: (node: Node) => void): void => {
    if (ledger.nodes.size > 0) act(pick([...ledger.nodes.values()]))
  }
  const label = (node: Node) => ({ ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, [zoneKey]: pick(zones) } } })
  let joined = 0
  const acts: readonly (() => void)[] = [
    () => onPod(removePod),
    () => onPod(terminate),
    () => onPod((uid) => updatePod(uid, (pod) => ({ ...pod, metadata: { ...pod.metadata, labels: { app: pick(['web', 'db']) } } }))),
    () => onNode((node) => setNode(label(node))),
    () => onNode((node) => setNode({ ...node, spec: { ...node.spec, unschedulable: !node.spec.unschedulable } })),
    () => onNode((node) => setNode({ ...node, spec: { taints: [{ key: 'team', value: pick(['red', 'blue']), effect: 'NoSchedule' }] } })),
    () => ledger.setNamespace('b', { team: pick(['red', 'blue']) }),
    () => {
      if (ledger.nodes.size > 2) onNode(({ metadata }) => removeNode(metadata.name))
    },
    () => {
      joined += 1
      setNode(seededNode(`later${joined}`, dice))
    },
  ]
  return {
    /** Victims go at once, or take their time. */
    evict: (victims: readonly PodInfo[]) => {
      for (const { uid } of victims) (sometimes(0.5) ? removePod : terminate)(uid)
    },
    next: () => {
      for (const uid of terminating()) if (sometimes(0.4)) removePod(uid)
      if (sometimes(0.4)) pick(acts)()
    },
  }
}
