import type { Node, Pod, VolumeAttachment } from '@skiff/api'
import { volumeAttachment as attachments, node as nodes, persistentVolume as volumes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, keyOf } from '@skiff/machinery'
import { conditionOf } from '../conditions.ts'
import { create, event, fail, patch, reasonOf, remove, requeue, type Step, type Steps } from '../runner/step.ts'
import { same } from '../same.ts'
import { attachable, isShared, type Wanted, wantedOn } from './wanted.ts'

/** What plans have to know of those before them. */
export interface Seen {
  /** By attachment: the state that pods were last told of. */
  readonly told: Map<string, string>
  /** By attachment: since when nobody needs it. */
  readonly unneededMs: Map<string, number>
  /** By attachment: that it cannot be made, for whom pods were told. */
  readonly multi: Map<string, string>
}

// As long as a node that is not well may keep what nobody needs mounted.
const longestUnmountMs = 360_000
const outOfService = 'node.kubernetes.io/out-of-service'

type Remember = (change: () => void) => Step

export const planNode = (nodeName: string, views: Views, nowMs: number, seen: Seen, remember: Remember): Steps => {
  const wanted = wantedOn(nodeName, views)
  const held = views.view(attachments).indexed('node', nodeName)
  const made = new Map(held.map((one) => [one.metadata.name, one]))
  const node = views.view(nodes).get(nodeName)
  const attach = [...wanted.values()].flatMap((need) => attachOne(need, made.get(need.attachment), nodeName, views, seen, remember))
  const surplus = held.flatMap((one) => {
    const volume = views.view(volumes).get(one.spec.source.persistentVolumeName ?? '')
    const need = volume && attachable(volume, nodeName, views)
    // What others made under names of their own is theirs.
    return need && need.attachment === one.metadata.name && !wanted.has(need.attachment) && !one.metadata.deletionTimestamp
      ? [{ one, uniqueName: need.uniqueName }]
      : []
  })
  const detach = surplus.map(({ one, uniqueName }) => detachOne(one, uniqueName, node, nowMs, seen, remember))
  const leaving = new Set(detach.flatMap(({ leaves }) => (leaves ? [leaves] : [])))
  const report = node ? reportAttached(node, views, held, leaving) : []
  const keep = [...wanted.keys()].filter((name) => seen.unneededMs.has(name)).map((name) => remember(() => seen.unneededMs.delete(name)))
  // The node hears that a volume is no longer safe to use before it is taken away.
  return [...keep, ...report, ...detach.flatMap(({ steps }) => steps), ...attach]
}

/** The node's list of what is attached, without what is about to go. */
const reportAttached = (node: Node, views: Views, held: readonly VolumeAttachment[], leaving: ReadonlySet<string>): Steps => {
  const names = held.flatMap((one) => {
    const volume = views.view(volumes).get(one.spec.source.persistentVolumeName ?? '')
    const need =
      one.status?.attached && !one.metadata.deletionTimestamp && volume ? attachable(volume, node.metadata.name, views) : undefined
    return need && need.attachment === one.metadata.name && !leaving.has(need.uniqueName) ? [need.uniqueName] : []
  })
  const volumesAttached = names.sort().map((name) => ({ name, devicePath: '' }))
  const isSame = same(
    (node.status?.volumesAttached ?? []).map(({ name }) => name).sort(),
    volumesAttached.map(({ name }) => name),
  )
  if (isSame) return []
  const status = { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null }
  return [patch(nodes, { name: node.metadata.name, subresource: 'status' }, 'merge', { status })]
}

const tell = (need: Wanted, type: 'Normal' | 'Warning', reason: string, message: string): Steps =>
  need.pods.map((pod) => event(pod, type, reason, message))

const attachOne = (
  need: Wanted,
  held: VolumeAttachment | undefined,
  nodeName: string,
  views: Views,
  seen: Seen,
  remember: Remember,
): Steps => {
  const { attachment, volume } = need
  const name = JSON.stringify(volume.metadata.name)
  if (held) {
    // One that is going is made anew when it is gone.
    if (held.metadata.deletionTimestamp) return []
    const state = held.status?.attached ? 'attached' : (held.status?.attachError?.message ?? '')
    const key = `${held.metadata.uid} ${state}`
    if (state === '' || seen.told.get(attachment) === key) return []
    const note = remember(() => seen.told.set(attachment, key))
    if (state === 'attached')
      return [note, ...tell(need, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume ${name} `)]
    return [note, ...tell(need, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${name} : ${state}`)]
  }
  const elsewhere = isShared(volume)
    ? []
    : views
        .view(attachments)
        .indexed('volume', volume.metadata.name)
        .filter(({ spec }) => spec.nodeName !== nodeName)
  if (elsewhere.length > 0) return multiAttach(need, elsewhere, views, seen, remember)
  const draft = {
    metadata: { name: attachment },
    spec: { attacher: need.driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
  }
  const failed = (error: unknown): Steps => {
    if (isRefusal(error, 409)) return [fail(error)]
    return [
      ...tell(need, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume ${name} : ${reasonOf(error)}`),
      fail(error),
    ]
  }
  return [remember(() => seen.multi.delete(attachment)), create(attachments, draft as never, { failed })]
}

/** A volume of one node at a time is waited for; pods of the namespace that has it are named. */
const multiAttach = (need: Wanted, elsewhere: readonly VolumeAttachment[], views: Views, seen: Seen, remember: Remember): Steps => {
  const { attachment, volume } = need
  const others = elsewhere.flatMap(({ spec }) => {
    const there = attachable(volume, spec.nodeName, views)?.attachment
    return there ? (wantedOn(spec.nodeName, views).get(there)?.pods ?? []) : []
  })
  const key = need.pods.map(keyOf).join()
  if (seen.multi.get(attachment) === key) return []
  const prefix = `Multi-Attach error for volume ${JSON.stringify(volume.metadata.name)} `
  return [
    remember(() => seen.multi.set(attachment, key)),
    ...need.pods.map((pod) => event(pod, 'Warning', 'FailedAttachVolume', `${prefix}${usedBy(pod, others)}`)),
  ]
}

const usedBy = (pod: Pod, others: readonly Pod[]): string => {
  if (others.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another"
  const local = others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace).map(({ metadata }) => metadata.name)
  const far = others.length - local.length
  if (local.length === 0) return `Volume is already used by ${far} pod(s) in different namespaces`
  const more = far > 0 ? ` and ${far} pod(s) in different namespaces` : ''
  return `Volume is already used by pod(s) ${local.join(', ')}${more}`
}

/** `leaves`: the volume is no longer safe to use on the node. */
const detachOne = (
  one: VolumeAttachment,
  uniqueName: string,
  node: Node | undefined,
  nowMs: number,
  seen: Seen,
  remember: Remember,
): { readonly steps: Steps; readonly leaves?: string } => {
  const { name } = one.metadata
  const sinceMs = seen.unneededMs.get(name) ?? nowMs
  const isMounted = node?.status?.volumesInUse?.includes(uniqueName) === true
  const isWell = conditionOf(node?.status?.conditions, 'Ready')?.status === 'True'
  const isLost = node?.spec.taints?.some(({ key }) => key === outOfService) === true
  const isOver = !isWell && nowMs - sinceMs >= longestUnmountMs
  if (isMounted && !isOver && !isLost) {
    const leftMs = Math.max(1_000, sinceMs + longestUnmountMs - nowMs)
    return { steps: [remember(() => seen.unneededMs.set(name, sinceMs)), requeue(leftMs)] }
  }
  const forget = remember(() => {
    seen.unneededMs.delete(name)
    seen.told.delete(name)
  })
  return { steps: [forget, remove(attachments, one)], leaves: uniqueName }
}
