import { type Pod, persistentVolumeClaim, pod, replicaSet, statefulSet } from '@skiff/api'
import { createViews } from '@skiff/client'
import { controllerOf, keyOf } from '@skiff/machinery'
import type { World } from '../world/world.ts'

const settleMs = 60_000
const freshMs = 2_000

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** What may at no time be, whatever goes wrong: pods are replaced once, claims of StatefulSets stay, a bound pod does not move. */
export const watchOver = async (world: World) => {
  const views = createViews(world.client, world.env)
  const [pods, claims, sets, replicas] = [
    views.view(pod),
    views.view(persistentVolumeClaim),
    views.view(statefulSet),
    views.view(replicaSet),
  ]
  const wrong: string[] = []
  const claimUids = new Map<string, string>()
  /** The most that a ReplicaSet was to have, of late and now: its controller may not have seen the latest. */
  const wanted = new Map<string, number>()
  let count = 0
  let hash = 0
  const note = (text: string): void => {
    count += 1
    for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  }
  replicas.subscribe(({ after }) => {
    if (after) wanted.set(after.metadata.uid, Math.max(wanted.get(after.metadata.uid) ?? 0, after.spec.replicas ?? 1))
  })
  pods.subscribe(({ before, after }) => {
    note(`${world.env.monotonicMs()} ${after ? `${keyOf(after)} ${after.metadata.resourceVersion} ${after.metadata.uid}` : 'gone'}`)
    if (before && after && before.metadata.uid === after.metadata.uid) {
      if (before.spec.nodeName && after.spec.nodeName !== before.spec.nodeName)
        wrong.push(`${keyOf(after)} moved to ${after.spec.nodeName}`)
      if (isOver(before) && !isOver(after)) wrong.push(`${keyOf(after)} lives again`)
    }
    if (before || !after) return
    const owner = controllerOf(after)
    if (owner?.kind !== 'ReplicaSet') return
    // Learnt of late, after a cut: what the ReplicaSet was to have in between was not seen either.
    if (world.env.now() - Date.parse(after.metadata.creationTimestamp) > freshMs) return
    const beside = pods.ownedBy(owner.uid).filter((each) => !each.metadata.deletionTimestamp && !isOver(each))
    const { length } = beside
    // Looked at later: after a cut this view may be told of the pod before it is told of the ReplicaSet's new size.
    world.env.after(settleMs, () => {
      const most = wanted.get(owner.uid) ?? length
      if (length > most) wrong.push(`${keyOf(after)} is pod ${length} of ${most}`)
    })
  })
  claims.subscribe(({ after }) => {
    if (!after || after.metadata.namespace === 'gone') return
    const held = claimUids.get(keyOf(after))
    if (held !== undefined && held !== after.metadata.uid) wrong.push(`claim ${keyOf(after)} was made anew`)
    claimUids.set(keyOf(after), after.metadata.uid)
  })
  await Promise.race([Promise.all([pods, claims, sets, replicas].map((view) => view.synced)), world.live(5_000)])
  return {
    wrong,
    digest: () => `${count} ${hash}`,
    stop: () => views.close(),
  }
}
