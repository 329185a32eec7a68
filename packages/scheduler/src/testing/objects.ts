import type { Node, Pod, PodSpec } from '@skiff/api'

type Labels = Readonly<Record<string, string>>

export interface NodeOptions {
  readonly labels?: Labels
  readonly allocatable?: Labels
  readonly spec?: Partial<Node['spec']>
  readonly images?: readonly { readonly names: readonly string[]; readonly sizeBytes: number }[]
}
/** A node of 4 CPU, 8 GiB and 110 pods, labelled with its host name. */
export const nodeOf = (name: string, { labels = {}, allocatable = {}, spec = {}, images = [] }: NodeOptions = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    uid: `node-${name}`,
    resourceVersion: '1',
    creationTimestamp: '2025-01-01T00:00:00Z',
    labels: { 'kubernetes.io/hostname': name, ...labels },
  },
  spec,
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, images },
})

export interface PodOptions {
  readonly labels?: Labels
  readonly namespace?: string
  readonly on?: string
  readonly requests?: Labels
  readonly priority?: number
  readonly startTime?: string
  readonly image?: string
  readonly spec?: Partial<PodSpec>
  readonly metadata?: Partial<Pod['metadata']>
}
/** A pod of one container in namespace `a`; `on` puts it on a node. */
export const podOf = (name: string, options: PodOptions = {}): Pod => {
  const { labels, namespace = 'a', on, requests, priority, startTime, image, spec, metadata } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `pod-${namespace}-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2025-01-01T00:00:00Z',
      ...(labels ? { labels } : {}),
      ...metadata,
    },
    spec: {
      schedulerName: 'default-scheduler',
      containers: [{ name: 'main', ...(image ? { image } : {}), ...(requests ? { resources: { requests } } : {}) }],
      ...(on ? { nodeName: on } : {}),
      ...(priority !== undefined ? { priority } : {}),
      ...spec,
    },
    ...(startTime ? { status: { startTime } } : {}),
  }
}
