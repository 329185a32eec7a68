import type { Container, Pod } from '@skiff/api'

/** Labels by which containers and sandboxes are found again after a restart: the kubelet's own names. */
export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const

export const annotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  preStopHandler: 'io.kubernetes.container.preStopHandler',
  ports: 'io.kubernetes.container.ports',
  deletionGracePeriod: 'io.kubernetes.pod.deletionGracePeriod',
  terminationGracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
} as const

/** `name_namespace(uid)`, as the kubelet's messages name a pod. */
export const describePod = (pod: Pod): string => `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`

/** Relative to the node's log root: `namespace_name_uid`. */
export const podLogFolder = (pod: Pod): string => `${pod.metadata.namespace}_${pod.metadata.name}_${pod.metadata.uid}`

/**
 * A running container whose hash differs from its spec's is started anew. As upstream since 1.31, only name and image count,
 * so that new defaults of other fields restart nothing.
 */
export const containerHash = (container: Pick<Container, 'name' | 'image'>): string => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(JSON.stringify({ name: container.name, image: container.image ?? '' }))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  return hash.toString(16)
}
