import type { Deployment, Pod, PodDisruptionBudget, ReplicaSet, ReplicationController, Resource, Scale, StatefulSet } from '@skiff/api'
import {
  deployment as deployments,
  replicaSet as replicaSets,
  replicationController as replicationControllers,
  resourceKey,
  statefulSet as statefulSets,
} from '@skiff/api'
import type { Views } from '@skiff/client'
import { controllerOf, type KubeObject, keyOf, type OwnerReference, splitApiVersion } from '@skiff/machinery'
import { scaledValue } from '../deployment/limits.ts'
import { read, type Steps } from '../runner/step.ts'

export type Scaled = ReplicaSet | ReplicationController | StatefulSet | Deployment
/** Kinds whose scale is read from the views; that of any other kind is asked for. */
export const scalable: readonly Resource<Scaled>[] = [replicaSets, replicationControllers, statefulSets, deployments] as never

/** How many pods a budget counts on, and how many of them have to be healthy. */
export interface Need {
  readonly expected: number
  readonly desired: number
  /** Pods without a controller, where the number expected comes from controllers. */
  readonly unmanaged: readonly string[]
}

/** What the controllers of the pods want together, as far as the views tell. */
interface Scales {
  readonly sizes: ReadonlyMap<string, number>
  readonly unmanaged: readonly string[]
  readonly toAsk: readonly Question[]
}
interface Question {
  readonly resource: Resource
  readonly reference: OwnerReference
  readonly pod: Pod
}

const sameKind = (resource: Resource, { apiVersion, kind }: OwnerReference): boolean =>
  resource.kind === kind && resource.group === splitApiVersion(apiVersion).group

const ownerOf = (object: KubeObject, reference: OwnerReference, views: Views): Scaled | undefined => {
  const resource = scalable.find((one) => sameKind(one, reference))
  const { namespace } = object.metadata
  const owner = resource && views.view(resource).get(keyOf({ metadata: { ...(namespace ? { namespace } : {}), name: reference.name } }))
  return owner?.metadata.uid === reference.uid ? owner : undefined
}

/** The Deployment of a ReplicaSet counts, not the set. */
const topOf = (owner: Scaled, views: Views): Scaled => {
  const reference = controllerOf(owner)
  return (reference?.kind === 'Deployment' && ownerOf(owner, reference, views)) || owner
}

const noController = (pod: Pod): Error => new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)

const scalesOf = (selected: readonly Pod[], views: Views, resources: readonly Resource[]): Scales | Error => {
  const sizes = new Map<string, number>()
  const unmanaged: string[] = []
  const toAsk = new Map<string, Question>()
  for (const pod of selected) {
    const reference = controllerOf(pod)
    if (!reference) {
      unmanaged.push(pod.metadata.name)
      continue
    }
    if (sizes.has(reference.uid) || toAsk.has(reference.uid)) continue
    const owner = ownerOf(pod, reference, views)
    if (owner) {
      const top = topOf(owner, views)
      sizes.set(top.metadata.uid, top.spec.replicas ?? 1)
    } else if (scalable.some((one) => sameKind(one, reference))) return noController(pod)
    else {
      const resource = resources.find((one) => sameKind(one, reference))
      if (!resource)
        return new Error(`no matches for kind ${JSON.stringify(reference.kind)} in version ${JSON.stringify(reference.apiVersion)}`)
      toAsk.set(reference.uid, { resource, reference, pod })
    }
  }
  return { sizes, unmanaged, toAsk: [...toAsk.values()] }
}

/** Asks for the scale of each owner of another kind, one after the other, and goes on with what was found. */
const askScales = (
  toAsk: readonly Question[],
  sizes: ReadonlyMap<string, number>,
  next: (sizes: ReadonlyMap<string, number> | Error) => Steps,
): Steps => {
  const [question, ...rest] = toAsk
  if (!question) return next(sizes)
  const { resource, reference, pod } = question
  const done = (found: KubeObject | undefined): Steps => {
    if (!found) return next(new Error(`${resourceKey(resource)} does not implement the scale subresource`))
    if (found.metadata.uid !== reference.uid) return next(noController(pod))
    return askScales(rest, new Map([...sizes, [reference.uid, (found as unknown as Scale).spec?.replicas ?? 0]]), next)
  }
  const { namespace } = pod.metadata
  return [read(resource, { ...(namespace ? { namespace } : {}), name: reference.name, subresource: 'scale' }, { done })]
}

/** Upstream's rule: a minimum as a number counts the pods that there are, anything else what their controllers want. */
export const withNeed = (
  { spec }: PodDisruptionBudget,
  selected: readonly Pod[],
  views: Views,
  resources: readonly Resource[],
  next: (need: Need | Error) => Steps,
): Steps => {
  const { minAvailable, maxUnavailable } = spec
  if (maxUnavailable === undefined && typeof minAvailable !== 'string')
    return next(
      minAvailable === undefined
        ? { expected: 0, desired: 0, unmanaged: [] }
        : { expected: selected.length, desired: minAvailable, unmanaged: [] },
    )
  const scales = scalesOf(selected, views, resources)
  if (scales instanceof Error) return next(scales)
  return askScales(scales.toAsk, scales.sizes, (sizes) => {
    if (sizes instanceof Error) return next(sizes)
    const expected = [...sizes.values()].reduce((total, size) => total + size, 0)
    const desired =
      maxUnavailable !== undefined
        ? Math.max(0, expected - scaledValue(maxUnavailable, expected, true))
        : scaledValue(minAvailable, expected, true)
    return next({ expected, desired, unmanaged: scales.unmanaged })
  })
}
