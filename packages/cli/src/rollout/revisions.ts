import { controllerRevision, replicaSet } from '@skiff/api'
import { controllerOf, formatLabelSelector, type JsonObject } from '@skiff/machinery'
import { at, type Dynamic, mapAt, textAt, withAt } from '../objects/fields.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'

/** One entry of a rollout's history. */
export interface Revision {
  readonly number: number
  readonly cause: string
  /** The pod template. */
  readonly template: JsonObject
  /** What is patched into the workload to go back there. */
  readonly patch: JsonObject
}

const causeKey = ['metadata', 'annotations', 'kubernetes.io/change-cause']
const hashLabel = ['metadata', 'labels', 'pod-template-hash']

const ofReplicaSet = (set: Dynamic): Revision => {
  const template = withAt(mapAt(set, 'spec.template'), hashLabel, undefined)
  return {
    number: Number(textAt(set, ['metadata', 'annotations', 'deployment.kubernetes.io/revision']) || 0),
    cause: textAt(set, causeKey),
    template,
    patch: { spec: { template } },
  }
}

const ofControllerRevision = (revision: Dynamic): Revision => {
  const data = mapAt(revision, 'data')
  return {
    number: Number(at(revision, 'revision') ?? 0),
    cause: textAt(revision, causeKey),
    template: mapAt(data, 'spec.template'),
    patch: data,
  }
}

/** The revisions of a workload, oldest first. */
export const revisionsOf = async (session: Session, object: Dynamic): Promise<Revision[]> => {
  const { client } = await session.connect()
  const namespace = object.metadata.namespace ?? ''
  const query = { labelSelector: formatLabelSelector(mapAt(object, 'spec.selector') as never) }
  const owned = (each: { metadata: Dynamic['metadata'] }) => controllerOf(each)?.uid === object.metadata.uid
  if (object.kind === 'Deployment') {
    const { items } = await client.list(replicaSet, { namespace }, { query })
    return items
      .filter(owned)
      .map((set) => ofReplicaSet(set as unknown as Dynamic))
      .sort((a, b) => a.number - b.number)
  }
  if (object.kind !== 'DaemonSet' && object.kind !== 'StatefulSet')
    throw new UsageError(`no history viewer has been implemented for ${JSON.stringify(object.kind)}`)
  const { items } = await client.list(controllerRevision, { namespace }, { query })
  return items
    .filter(owned)
    .map((each) => ofControllerRevision(each as unknown as Dynamic))
    .sort((a, b) => a.number - b.number)
}
