import type { PersistentVolume, PersistentVolumeClaim } from '@skiff/api'
import { persistentVolumeClaim as claims, persistentVolume as volumes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { compareQuantities } from '@skiff/machinery'
import { type Controller, objectController, reading } from '../runner/controller.ts'
import { event, fail, type Steps } from '../runner/step.ts'

/** A bound claim that asks for more than it has. */
const wantsMore = ({ spec, status }: PersistentVolumeClaim): boolean => {
  const wanted = spec.resources?.requests?.storage
  const held = status?.capacity?.storage
  return status?.phase === 'Bound' && wanted !== undefined && held !== undefined && compareQuantities(wanted, held) > 0
}

const isBoundTo = ({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean =>
  spec.claimRef?.uid === metadata.uid && spec.claimRef?.namespace === metadata.namespace

/**
 * Tells who grows a volume: a CSI driver's resizer, or nobody. Upstream has no volumes any more that its own controller grows; the
 * resizer and the node keep the claim's conditions.
 */
export const planExpansion = (claim: PersistentVolumeClaim, views: Views): Steps => {
  const volume = wantsMore(claim) ? views.view(volumes).get(claim.spec.volumeName ?? '') : undefined
  if (!volume) return []
  const name = `${claim.metadata.namespace ?? ''}/${claim.metadata.name}`
  if (!isBoundTo(volume, claim)) return [fail(new Error(`persistent Volume is not bound to PVC being updated : ${name}`))]
  // As upstream: the same words where it knows of nobody, but as a warning.
  const type = volume.spec.csi ? 'Normal' : 'Warning'
  return [event(claim, type, 'ExternalExpanding', 'waiting for an external controller to expand this PVC')]
}

export const volumeExpanderController = (): Controller =>
  objectController({
    name: 'persistentvolume-expander-controller',
    account: 'expand-controller',
    component: 'volume_expand',
    resource: claims,
    concerns: ({ before, after }) =>
      after !== undefined &&
      (before?.spec.resources?.requests?.storage !== after.spec.resources?.requests?.storage ||
        before?.status?.phase !== after.status?.phase),
    watches: [reading(volumes)],
    plan: planExpansion,
  })
