import type { ObjectReference, Pod } from '@skiff/api'
import type { EventRecorder } from '@skiff/client'

/** Tells users what happens to pods and their containers, in the kubelet's words. */
export interface PodEvents {
  pod(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void
  container(pod: Pod, name: string, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export const createPodEvents = (recorder: Pick<EventRecorder, 'event'>): PodEvents => ({
  pod: (pod, type, reason, message) => recorder.event(referenceTo(pod), type, reason, message),
  container: (pod, name, type, reason, message) =>
    recorder.event({ ...referenceTo(pod), fieldPath: fieldPathOf(pod, name) }, type, reason, message),
})

const referenceTo = (pod: Pod): ObjectReference => ({
  kind: 'Pod',
  apiVersion: 'v1',
  namespace: pod.metadata.namespace ?? '',
  name: pod.metadata.name,
  uid: pod.metadata.uid,
  resourceVersion: pod.metadata.resourceVersion,
})

const fieldPathOf = (pod: Pod, name: string): string => {
  const named = (list: readonly { readonly name: string }[] | undefined) => list?.some((container) => container.name === name) === true
  if (named(pod.spec.initContainers)) return `spec.initContainers{${name}}`
  return named(pod.spec.ephemeralContainers) ? `spec.ephemeralContainers{${name}}` : `spec.containers{${name}}`
}
