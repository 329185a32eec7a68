import type { PersistentVolumeClaim, Pod } from '@skiff/api'
import { persistentVolumeClaim as claims, pod as pods } from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf, isRefusal, keyOf } from '@skiff/machinery'
import { controlledBy } from '../ownership.ts'
import { type Controller, objectController, owned } from '../runner/controller.ts'
import { create, event, fail, reasonOf, type Step, type Steps } from '../runner/step.ts'

type Volume = NonNullable<Pod['spec']['volumes']>[number]

const failedVolume = (pod: Pod, volume: Volume, text: string): Steps => [
  event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${text}`),
  fail(new Error(`pod ${keyOf(pod)}, ephemeral volume ${volume.name}: ${text}`)),
]

/** The claim lives as long as its pod. */
const makeClaim = (pod: Pod, volume: Volume, name: string): Step => {
  const { metadata, spec } = volume.ephemeral?.volumeClaimTemplate ?? { spec: {} }
  const { namespace = '' } = pod.metadata
  const draft = {
    metadata: {
      namespace,
      name,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ownerReferences: [controlledBy(pods, pod)],
    },
    spec,
  }
  // There already: of an attempt before, which the views do not show yet, or a stranger's, which they soon will.
  const failed = (error: unknown) =>
    isRefusal(error, 409) ? [fail(error)] : failedVolume(pod, volume, `create PVC ${namespace}/${name}: ${reasonOf(error)}`)
  return create(claims, draft as never, { failed })
}

/** Makes the claims of a pod's generic ephemeral volumes, named after both. A claim of that name that is not the pod's own is never used. */
export const planEphemeral = (pod: Pod, views: Views): Steps => {
  if (pod.metadata.deletionTimestamp !== undefined) return []
  const { namespace = '', name, uid } = pod.metadata
  const steps: Step[] = []
  for (const volume of pod.spec.volumes ?? []) {
    if (!volume.ephemeral) continue
    const claimName = `${name}-${volume.name}`
    const held: PersistentVolumeClaim | undefined = views.view(claims).get(`${namespace}/${claimName}`)
    if (!held) steps.push(makeClaim(pod, volume, claimName))
    else if (controllerOf(held)?.uid !== uid) {
      const text = `PVC ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`
      return [...steps, ...failedVolume(pod, volume, text)]
    }
  }
  return steps
}

export const ephemeralVolumeController = (): Controller =>
  objectController({
    name: 'ephemeral-volume-controller',
    account: 'ephemeral-volume-controller',
    component: 'ephemeral_volume',
    resource: pods,
    concerns: ({ before, after }) => !before && after?.spec.volumes?.some(({ ephemeral }) => ephemeral) === true,
    watches: [owned(claims, pods)],
    plan: planEphemeral,
  })
