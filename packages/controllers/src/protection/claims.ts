import type { PersistentVolume, PersistentVolumeClaim, Pod, Resource } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods, persistentVolume as volumes } from '@skiff/api'
import type { Views } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { list, type Step, type Steps, update } from '../runner/step.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

// By an update and not by a patch: the accounts of these controllers may do nothing else.
const setFinalizers = <T extends KubeObject>(resource: Resource<T>, object: T, finalizers: readonly string[]): Step => {
  const { finalizers: _, ...metadata } = object.metadata
  return update(resource, { ...object, metadata: { ...metadata, ...(finalizers.length > 0 ? { finalizers } : {}) } })
}
const protect = <T extends KubeObject>(resource: Resource<T>, object: T, name: string): Steps =>
  object.metadata.finalizers?.includes(name) ? [] : [setFinalizers(resource, object, [...(object.metadata.finalizers ?? []), name])]
const release = <T extends KubeObject>(resource: Resource<T>, object: T, name: string): Steps =>
  object.metadata.finalizers?.includes(name)
    ? [
        setFinalizers(
          resource,
          object,
          object.metadata.finalizers.filter((one) => one !== name),
        ),
      ]
    : []

/** Claims that a pod mounts, generic ephemeral volumes included. */
const claimsOf = (pod: Pod): string[] => {
  const claims: string[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec.volumes ?? []) {
    if (persistentVolumeClaim) claims.push(persistentVolumeClaim.claimName)
    else if (ephemeral) claims.push(`${pod.metadata.name}-${name}`)
  }
  return claims
}
/** `namespace/name` of each. */
export const claimKeys = (pod: Pod): string[] => claimsOf(pod).map((name) => `${pod.metadata.namespace ?? ''}/${name}`)
// A pod without a node is not started any more once its claim is being deleted.
const uses = (pod: Pod, claim: PersistentVolumeClaim): boolean => Boolean(pod.spec.nodeName) && claimsOf(pod).includes(claim.metadata.name)

/** A claim stays until no pod uses it. The views and then the API itself are asked before it is let go. */
export const planClaim = (claim: PersistentVolumeClaim, views: Views): Steps => {
  if (claim.metadata.deletionTimestamp === undefined) return protect(claims, claim, claimFinalizer)
  if (!claim.metadata.finalizers?.includes(claimFinalizer)) return []
  const { namespace = '', name } = claim.metadata
  if (
    views
      .view(pods)
      .indexed('claim', `${namespace}/${name}`)
      .some((pod) => uses(pod, claim))
  )
    return []
  return [
    list(pods, namespace, {
      done: ({ items }) => (items.some((pod) => uses(pod, claim)) ? [] : release(claims, claim, claimFinalizer)),
    }),
  ]
}

export const claimProtectionController = (): Controller =>
  objectController({
    name: 'persistentvolumeclaim-protection-controller',
    account: 'pvc-protection-controller',
    resource: claims,
    watches: [
      watching<Pod>({
        resource: pods,
        indexes: { claim: claimKeys },
        keys: ({ before, after }) => (after ? [] : before ? claimKeys(before) : []),
      }),
    ],
    plan: planClaim,
  })

export const planVolume = (volume: PersistentVolume): Steps => {
  if (volume.metadata.deletionTimestamp === undefined) return protect(volumes, volume, volumeFinalizer)
  return volume.status?.phase === 'Bound' ? [] : release(volumes, volume, volumeFinalizer)
}

export const volumeProtectionController = (): Controller =>
  objectController({
    name: 'persistentvolume-protection-controller',
    account: 'pv-protection-controller',
    resource: volumes,
    plan: planVolume,
  })
