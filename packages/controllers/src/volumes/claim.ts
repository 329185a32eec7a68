import type { PersistentVolumeClaim, StorageClass } from '@skiff/api'
import { persistentVolumeClaim as claims, storageClass as classes, pod as pods, persistentVolume as volumes } from '@skiff/api'
import type { Views } from '@skiff/client'
import { keyOf } from '@skiff/machinery'
import { isFinished } from '../pods.ts'
import { event, requeue, type Steps, update } from '../runner/step.ts'
import { bind, bindCompleted, boundByController, hasAnnotation, loseClaim, setClaimStatus } from './bind.ts'
import { bestVolume, classOf, isFor, namesClass, whyUnfit } from './match.ts'

/** How often a claim that waits is looked at again, and says again what it waits for. */
const resyncMs = 15_000
/** The scheduler sets it: the volume is to be made where this node reaches it. */
const selectedNode = 'volume.kubernetes.io/selected-node'
const provisionerAnnotations = ['volume.beta.kubernetes.io/storage-provisioner', 'volume.kubernetes.io/storage-provisioner']
const defaultAnnotations = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  defaultAnnotations.some((name) => metadata.annotations?.[name] === 'true')

/** Claims that look for any volume. */
export const isPending = (claim: PersistentVolumeClaim): boolean => !claim.spec.volumeName && !hasAnnotation(claim, bindCompleted)

export const waitsForConsumer = (claim: PersistentVolumeClaim, views: Views): boolean =>
  views.view(classes).get(classOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer'

export const planClaim = (claim: PersistentVolumeClaim, views: Views): Steps => {
  if (hasAnnotation(claim, bindCompleted)) return planBound(claim, views)
  return claim.spec.volumeName ? planNamed(claim, claim.spec.volumeName, views) : planAny(claim, views)
}

const pend = (claim: PersistentVolumeClaim): Steps => [...setClaimStatus(claim, 'Pending'), requeue(resyncMs)]

/** The claim asks for one volume. */
const planNamed = (claim: PersistentVolumeClaim, name: string, views: Views): Steps => {
  const volume = views.view(volumes).get(name)
  if (!volume) return pend(claim)
  if (!volume.spec.claimRef) {
    const why = whyUnfit(volume, claim)
    if (why === undefined) return bind(volume, claim)
    return [event(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${why}`), ...pend(claim)]
  }
  if (isFor(volume, claim)) return bind(volume, claim)
  const taken = event(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`)
  // With the controller's mark somebody took the other one away: the phase is left as it is.
  return hasAnnotation(claim, boundByController) ? [taken, requeue(resyncMs)] : [taken, ...pend(claim)]
}

/** The claim takes what fits, or has a volume made. */
const planAny = (claim: PersistentVolumeClaim, views: Views): Steps => {
  const waits = waitsForConsumer(claim, views)
  const view = views.view(volumes)
  const volume = bestVolume(claim, [...view.indexed('claim', keyOf(claim)), ...view.indexed('free', classOf(claim))], waits)
  if (volume) return bind(volume, claim)
  const chosen = namesClass(claim) ? undefined : defaultClass(views)
  // A default class of after the claim is given to it all the same.
  if (chosen) return [update(claims, { ...claim, spec: { ...claim.spec, storageClassName: chosen.metadata.name } })]
  if (waits && !hasAnnotation(claim, selectedNode)) return [waitForPod(claim, views), ...pend(claim)]
  if (classOf(claim) !== '') return provision(claim, views)
  const none = 'no persistent volumes available for this claim and no storage class is set'
  return [event(claim, 'Normal', 'FailedBinding', none), ...pend(claim)]
}

/** Of several default classes the newest, and of those the first by name. */
const defaultClass = (views: Views): StorageClass | undefined =>
  [...views.view(classes).list()]
    .filter(isDefaultClass)
    .sort(
      ({ metadata: a }, { metadata: b }) => Date.parse(b.creationTimestamp) - Date.parse(a.creationTimestamp) || (a.name < b.name ? -1 : 1),
    )[0]

const waitForPod = (claim: PersistentVolumeClaim, views: Views) => {
  const waiting = views
    .view(pods)
    .indexed('claim', keyOf(claim))
    .filter((pod) => !pod.spec.nodeName && !isFinished(pod))
    .map(({ metadata }) => metadata.name)
  if (waiting.length === 0) return event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  const which = waiting.length > 1 ? `pods ${waiting.join(',')}` : `pod ${waiting[0]}`
  return event(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${which} to be scheduled`)
}

/** Tells a provisioner outside that the claim is its own; what it makes is bound when it appears. */
const provision = (claim: PersistentVolumeClaim, views: Views): Steps => {
  const name = classOf(claim)
  const failed = (why: string): Steps => [event(claim, 'Warning', 'ProvisioningFailed', why), requeue(resyncMs)]
  const found = views.view(classes).get(name)
  if (!found) return failed(`storageclass.storage.k8s.io "${name}" not found`)
  const { provisioner } = found
  // None is built in, nor is kubernetes.io/no-provisioner one.
  if (provisioner.startsWith('kubernetes.io/')) return failed(`no volume plugin matched name: ${provisioner}`)
  const text = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  const told = (about: PersistentVolumeClaim): Steps => [event(about, 'Normal', 'ExternalProvisioning', text), requeue(resyncMs)]
  if (provisionerAnnotations.every((key) => claim.metadata.annotations?.[key] === provisioner)) return told(claim)
  const annotations = { ...claim.metadata.annotations, ...Object.fromEntries(provisionerAnnotations.map((key) => [key, provisioner])) }
  return [update(claims, { ...claim, metadata: { ...claim.metadata, annotations } }, { done: told })]
}

/** The claim was bound once: it keeps its volume or is lost. */
const planBound = (claim: PersistentVolumeClaim, views: Views): Steps => {
  const { volumeName } = claim.spec
  if (!volumeName) return loseClaim(claim, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = views.view(volumes).get(volumeName)
  if (!volume) return loseClaim(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  const { claimRef } = volume.spec
  if (!claimRef || claimRef.uid === claim.metadata.uid) return bind(volume, claim)
  return loseClaim(claim, 'ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}
