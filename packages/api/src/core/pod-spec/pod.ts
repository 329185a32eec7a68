import { forbiddenField } from '@skiff/machinery'
import { type Faults, same } from '../../checks/faults.ts'
import type { Pod, PodSpec } from '../../generated/types.ts'
import { checkPodAnnotations, checkProfilesAgree } from './annotations.ts'
import { checkImageSpace } from './containers.ts'
import { checkPodSpec } from './pod-spec.ts'

/** What holds for a pod at any time, metadata's own rules aside. */
export const checkPod = (faults: Faults, pod: Pod): void => {
  const { annotations } = pod.metadata
  const { spec } = pod
  if (annotations) checkPodAnnotations(faults, annotations, spec, 'metadata.annotations')
  checkPodSpec(faults, spec, { isPod: true, podName: pod.metadata.name ?? '' }, 'spec')
  if (!spec.serviceAccountName) checkNoTokens(faults, pod)
  spec.containers?.forEach((container, index) => {
    checkImageSpace(faults, container, `spec.containers[${index}]`)
  })
  spec.initContainers?.forEach((container, index) => {
    checkImageSpace(faults, container, `spec.initContainers[${index}]`)
  })
}

const checkNoTokens = (faults: Faults, pod: Pod): void => {
  pod.spec.volumes?.forEach((volume, index) => {
    volume.projected?.sources?.forEach((source, at) => {
      if (source.serviceAccountToken)
        faults.push(
          forbiddenField(
            `spec.volumes[${index}].projected.sources[${at}].serviceAccountToken`,
            'must not be specified when serviceAccountName is not set',
          ),
        )
    })
  })
}

export const checkNewPod = (faults: Faults, pod: Pod): void => {
  const { spec } = pod
  checkPod(faults, pod)
  if (spec.ephemeralContainers?.length) faults.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'))
  if (spec.nodeName && spec.schedulingGates?.length)
    faults.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'))
  if (pod.metadata.annotations) checkProfilesAgree(faults, pod.metadata.annotations, spec, 'spec')
}

/** The old pod with a new spec, as subresources that change a part of it leave it. */
export const withSpec = (next: Pod, old: Pod, spec: PodSpec): Pod => {
  const { managedFields } = next.metadata
  const generation = (old.metadata.generation ?? 0) + (same(spec, old.spec) ? 0 : 1)
  return { ...old, metadata: { ...old.metadata, ...(managedFields ? { managedFields } : {}), generation }, spec }
}
