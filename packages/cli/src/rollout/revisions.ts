import { controllerRevision, replicaSet } from '@skiff/api'
import { controllerOf, formatLabelSelector, type JsonObject, sameJson, splitApiVersion } from '@skiff/machinery'
import { at, type Dynamic, listAt, mapAt, textAt, withAt } from '../objects/fields.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'

/** One entry of a rollout's history. */
export interface Revision {
  readonly number: number
  readonly cause: string
  /** The pod template that goes back into the workload. */
  readonly template: JsonObject
  /** The pod template as it is shown. */
  readonly shown: JsonObject
  /** The object that holds it: a replica set, or the workload as it was. */
  readonly object: Dynamic
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
    shown: mapAt(set, 'spec.template'),
    object: { ...set, apiVersion: 'apps/v1', kind: 'ReplicaSet' } as unknown as Dynamic,
    patch: { spec: { template } },
  }
}

// Kept templates are marked as replacing; kubectl prints the time that a template never has.
const templateOf = (data: JsonObject): JsonObject => {
  const template = withResources(withAt(mapAt(data, 'spec.template'), ['$patch'], undefined))
  return at(template, 'metadata.creationTimestamp') === undefined ? withAt(template, 'metadata.creationTimestamp', null) : template
}

/** A kept template lacks what is empty; its type prints each container's resources. */
const withResources = (template: JsonObject): JsonObject =>
  ['spec.containers', 'spec.initContainers'].reduce((whole, path) => {
    const containers = listAt(whole, path)
    return containers.length === 0
      ? whole
      : withAt(
          whole,
          path,
          containers.map((each) => ({ resources: {}, ...each })),
        )
  }, template)

const ofControllerRevision = (revision: Dynamic, workload: Dynamic): Revision => {
  const data = mapAt(revision, 'data')
  return {
    number: Number(at(revision, 'revision') ?? 0),
    cause: textAt(revision, causeKey),
    template: mapAt(data, 'spec.template'),
    shown: mapAt(data, 'spec.template'),
    object: withAt(workload, 'spec.template', templateOf(data)) as Dynamic,
    patch: data,
  }
}

// Kinds that hold pods but no history are known to kubectl; of all others it tells that nothing visits them.
const withoutHistory = new Set(['Pod', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob'])
const unknownKind = ({ kind, apiVersion }: Dynamic, what: 'history viewer' | 'rollbacker'): string => {
  const { group } = splitApiVersion(apiVersion)
  if (withoutHistory.has(kind)) return `no ${what} has been implemented for ${JSON.stringify(group === '' ? kind : `${kind}.${group}`)}`
  return `error retrieving ${what === 'rollbacker' ? what : 'history'} for ${JSON.stringify(kind)}, no visitor method exists for {${group} ${kind}}`
}

/** The revisions of a workload, oldest first. */
export const revisionsOf = async (session: Session, object: Dynamic, what: 'history viewer' | 'rollbacker'): Promise<Revision[]> => {
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
  if (object.kind !== 'DaemonSet' && object.kind !== 'StatefulSet') throw new UsageError(unknownKind(object, what))
  const { items } = await client.list(controllerRevision, { namespace }, { query })
  return items
    .filter(owned)
    .map((each) => ofControllerRevision(each as unknown as Dynamic, object))
    .sort((a, b) => a.number - b.number)
}

/** Whether a workload's template is already that of a revision. */
export const matchesRevision = (object: Dynamic, { template }: Revision): boolean => {
  const now = mapAt(object, 'spec.template')
  return sameJson(object.kind === 'Deployment' ? withAt(now, hashLabel, undefined) : { ...now, $patch: 'replace' }, template)
}
