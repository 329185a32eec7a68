import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '@skiff/api'
import {
  volumeAttachment as attachments,
  persistentVolumeClaim as claims,
  csiDriver as drivers,
  node as nodes,
  pod as pods,
  persistentVolume as volumes,
} from '@skiff/api'
import { nodeNameIndex } from '../nodes/lifecycle.ts'
import { isFinished } from '../pods.ts'
import { claimKeys } from '../protection/claims.ts'
import { type Controller, watching } from '../runner/controller.ts'
import { ask, type Step } from '../runner/step.ts'
import { same } from '../same.ts'
import { planNode, type Seen } from './plan.ts'

const nodeOf = (pod: Pod): readonly string[] => (pod.spec.nodeName ? [pod.spec.nodeName] : [])
/** The node on which a pod needs its claims. */
const needyNode = (pod: Pod | undefined): string | undefined =>
  pod?.spec.nodeName && !isFinished(pod) && claimKeys(pod).length > 0 ? pod.spec.nodeName : undefined

/** Attaches volumes of CSI drivers to the nodes whose pods need them, by VolumeAttachments that the drivers' attachers carry out. Its keys are nodes. */
export const attachDetachController = (): Controller => {
  /** What was told of attachments, and since when they are in nobody's need: lost with the process, as upstream's. */
  const seen: Seen = { told: new Map(), unneededMs: new Map(), multi: new Map() }
  const remember = (change: () => void): Step => ask('remember', async () => change(), {})
  return {
    name: 'persistentvolume-attach-detach-controller',
    account: 'attachdetach-controller',
    component: 'attachdetach-controller',
    watches: () => [
      watching<Node>({
        resource: nodes,
        keys: ({ key, before, after }) =>
          same(before?.status?.volumesInUse, after?.status?.volumesInUse) &&
          same(before?.spec.taints, after?.spec.taints) &&
          before &&
          after
            ? []
            : [key],
      }),
      watching<Pod>({
        resource: pods,
        indexes: { ...nodeNameIndex, claim: claimKeys },
        // That it needs volumes on a node, or no longer does: all else that pods tell is none of this.
        keys: ({ before, after }) => {
          const [was, is] = [needyNode(before), needyNode(after)]
          return was === is ? [] : [was, is].filter((name) => name !== undefined)
        },
      }),
      watching<VolumeAttachment>({
        resource: attachments,
        indexes: { node: ({ spec }) => [spec.nodeName], volume: ({ spec }) => [spec.source.persistentVolumeName ?? ''] },
        // One that goes may be what another node waits for.
        keys: ({ before, after }, views) => [
          ...new Set([before, after].flatMap((each) => (each ? [each.spec.nodeName] : []))),
          ...(after ? [] : waitingFor(before?.spec.source.persistentVolumeName, views)),
        ],
      }),
      watching<PersistentVolumeClaim>({
        resource: claims,
        keys: ({ key, before, after }, views) =>
          before?.spec.volumeName === after?.spec.volumeName ? [] : views.view(pods).indexed('claim', key).flatMap(nodeOf),
      }),
      watching<PersistentVolume>({ resource: volumes, keys: ({ before, key }, views) => (before ? [] : waitingFor(key, views)) }),
      watching<CSIDriver>({ resource: drivers, keys: () => [] }),
    ],
    plan: (key, views, nowMs) => planNode(key, views, nowMs, seen, remember),
  }
}

/** Nodes of the pods that use a volume. */
const waitingFor = (volumeName: string | undefined, views: Parameters<Controller['plan']>[1]): readonly string[] => {
  const { claimRef } = (volumeName ? views.view(volumes).get(volumeName)?.spec : undefined) ?? {}
  if (!claimRef) return []
  return views
    .view(pods)
    .indexed('claim', `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`)
    .flatMap(nodeOf)
}
