import { type Lease, lease as leases, type Resource } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal, type KubeObject, rfc3339 } from '@skiff/machinery'
import { type Condition, conditionOf } from '../conditions.ts'
import { type Controller, watching } from '../runner/controller.ts'
import { read, remove, type Steps, updateStatus } from '../runner/step.ts'

interface ServerVersion {
  readonly apiServerID: string
  readonly encodingVersion: string
}
/** In which version each API server writes the objects of a kind. */
export interface StorageVersion extends KubeObject {
  readonly status?: {
    readonly storageVersions?: readonly ServerVersion[]
    readonly commonEncodingVersion?: string
    readonly conditions?: readonly Condition[]
  }
}

/** Alpha: served where it is asked for. */
export const storageVersions: Resource<StorageVersion> = {
  group: 'internal.apiserver.k8s.io',
  version: 'v1alpha1',
  kind: 'StorageVersion',
  plural: 'storageversions',
  namespaced: false,
}

const leaseNamespace = 'kube-system'
/** The lease by which an API server says that it lives. */
const isIdentity = (lease: Lease | undefined): boolean =>
  lease?.metadata.labels?.['apiserver.kubernetes.io/identity'] === 'kube-apiserver' && lease.metadata.namespace === leaseNamespace

const entriesOf = ({ status }: StorageVersion): readonly ServerVersion[] => status?.storageVersions ?? []

/** Forgets what servers wrote that are gone; what no server writes any more goes. The API is asked before a server counts as gone. */
export const planStorageVersion = (object: StorageVersion, views: Views, nowMs: number): Steps => {
  const ids = [...new Set(entriesOf(object).map(({ apiServerID }) => apiServerID))]
  const unseen = ids.filter((id) => !isIdentity(views.view(leases).get(`${leaseNamespace}/${id}`)))
  return unseen.length === 0 ? [] : confirm(object, unseen, new Set(), nowMs)
}

const confirm = (object: StorageVersion, [id, ...rest]: readonly string[], gone: ReadonlySet<string>, nowMs: number): Steps => {
  if (id === undefined) return gone.size === 0 ? [] : forget(object, gone, nowMs)
  const done = (lease: Lease | undefined): Steps => confirm(object, rest, isIdentity(lease) ? gone : new Set([...gone, id]), nowMs)
  return [read(leases, { namespace: leaseNamespace, name: id }, { done })]
}

const forget = (object: StorageVersion, gone: ReadonlySet<string>, nowMs: number): Steps => {
  const kept = entriesOf(object).filter(({ apiServerID }) => !gone.has(apiServerID))
  if (kept.length === 0) return [remove(storageVersions, object, { sameVersion: true }, { failed: changed })]
  return [updateStatus(storageVersions, withEntries(object, kept, nowMs), { failed: changed })]
}

/** It is planned again as it is now. */
const changed = (error: unknown): Steps | undefined => (isRefusal(error, 404) ? [] : undefined)

const withEntries = (object: StorageVersion, kept: readonly ServerVersion[], nowMs: number): StorageVersion => {
  const versions = new Set(kept.map(({ encodingVersion }) => encodingVersion))
  const [common] = versions.size === 1 ? versions : []
  const { commonEncodingVersion: before, conditions = [], ...status } = object.status ?? {}
  const type = 'AllEncodingVersionsEqual'
  const held = conditionOf(conditions, type)
  const value = common === undefined ? 'False' : 'True'
  const isSame = held?.status === value && (before === undefined || common === undefined || before === common)
  const condition = {
    type,
    status: value,
    observedGeneration: object.metadata.generation ?? 0,
    lastTransitionTime: isSame ? held.lastTransitionTime : rfc3339(nowMs),
    reason: common === undefined ? 'CommonEncodingVersionUnset' : 'CommonEncodingVersionSet',
    message: common === undefined ? 'Common encoding version unset' : 'Common encoding version set',
  } as Condition
  return {
    ...object,
    status: {
      ...status,
      storageVersions: kept,
      ...(common === undefined ? {} : { commonEncodingVersion: common }),
      conditions: held ? conditions.map((each) => (each === held ? condition : each)) : [...conditions, condition],
    },
  }
}

/** Upstream's, behind StorageVersionAPI and APIServerIdentity; it waits until the kind is served. */
export const storageVersionController = (resources: () => readonly Resource[]): Controller => {
  const watches = [
    watching<StorageVersion>({ resource: storageVersions, keys: ({ key }) => [key] }),
    watching<Lease>({
      resource: leases,
      keys: ({ before, after }, views) => {
        if (after || !before || !isIdentity(before)) return []
        const naming = (object: StorageVersion) => entriesOf(object).some(({ apiServerID }) => apiServerID === before.metadata.name)
        return [...views.view(storageVersions).list()].filter(naming).map(({ metadata }) => metadata.name)
      },
    }),
  ]
  const isServed = () => resources().some(({ group, plural }) => group === storageVersions.group && plural === storageVersions.plural)
  return {
    name: 'storageversion-garbage-collector-controller',
    account: 'storage-version-garbage-collector',
    component: 'storageversion-garbage-collector-controller',
    dynamic: true,
    watches: () => (isServed() ? watches : []),
    plan: (name, views, nowMs) => {
      const object = views.view(storageVersions).get(name)
      return object && object.metadata.deletionTimestamp === undefined ? planStorageVersion(object, views, nowMs) : []
    },
  }
}
