import {
  cronJob,
  daemonSet,
  deployment,
  endpointSlice,
  endpoints,
  job,
  namespace,
  node,
  type Pod,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podDisruptionBudget,
  type Resource,
  replicaSet,
  resourceQuota,
  service,
  statefulSet,
} from '@skiff/api'
import type { Client } from '@skiff/client'
import { controllerOf, type KubeObject } from '@skiff/machinery'

/** Everything of a cluster that its state is judged by, read once. */
export const readState = async (client: Client) => {
  const all = async <T extends KubeObject>(resource: Resource<T>): Promise<readonly T[]> => (await client.list(resource)).items
  const pods = await all(pod)
  return {
    pods,
    podsOf: ({ metadata }: KubeObject): readonly Pod[] => pods.filter((each) => controllerOf(each)?.uid === metadata.uid),
    nodes: await all(node),
    namespaces: await all(namespace),
    deployments: await all(deployment),
    replicaSets: await all(replicaSet),
    statefulSets: await all(statefulSet),
    daemonSets: await all(daemonSet),
    jobs: await all(job),
    cronJobs: await all(cronJob),
    services: await all(service),
    endpoints: await all(endpoints),
    slices: await all(endpointSlice),
    claims: await all(persistentVolumeClaim),
    volumes: await all(persistentVolume),
    budgets: await all(podDisruptionBudget),
    quotas: await all(resourceQuota),
  }
}
export type ClusterState = Awaited<ReturnType<typeof readState>>

/** Sentences about what is not as it should be. */
export type Check = (state: ClusterState) => readonly string[]

export const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed'
export const isReady = ({ status }: Pod): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false

/** The fields of `is` that are not as `should`, as text. */
export const differences = (what: string, is: object | undefined, should: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(should).flatMap(([field, value]) => {
    const held = (is as Record<string, unknown> | undefined)?.[field] ?? 0
    return held === value ? [] : [`${what}: ${field} is ${String(held)} and not ${String(value)}`]
  })
