/** Any Kubernetes object as it stands on the wire. Objects are never changed in place: a writer makes a new one. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
}

export interface ObjectMeta {
  readonly name: string
  readonly generateName?: string
  readonly namespace?: string
  readonly uid: string
  /** Opaque; compared for equality only, except within one kind. */
  readonly resourceVersion: string
  readonly generation?: number
  /** RFC 3339, whole seconds, UTC. */
  readonly creationTimestamp: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly OwnerReference[]
  readonly finalizers?: readonly string[]
  readonly managedFields?: readonly ManagedFieldsEntry[]
}

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ManagedFieldsEntry {
  readonly manager?: string
  readonly operation?: 'Apply' | 'Update'
  readonly apiVersion?: string
  readonly time?: string
  readonly fieldsType?: 'FieldsV1'
  readonly fieldsV1?: Readonly<Record<string, unknown>>
  readonly subresource?: string
}

/** `namespace/name`, or `name` for a cluster-scoped object: the key of queues and indexes. */
export const keyOf = (object: { readonly metadata: { readonly namespace?: string; readonly name: string } }): string =>
  object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name

/** The opposite of keyOf. */
export const splitKey = (key: string): { namespace?: string; name: string } => {
  const at = key.indexOf('/')
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) }
}

/** The owner that manages `object`, if one does. */
export const controllerOf = (object: { readonly metadata: Partial<ObjectMeta> }): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller === true)

/** Group and version of an apiVersion; the core group is ''. */
export const splitApiVersion = (apiVersion: string): { group: string; version: string } => {
  const at = apiVersion.indexOf('/')
  return at < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, at), version: apiVersion.slice(at + 1) }
}

export const joinApiVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`)

const firstMs = Date.UTC(-1, 12, 1)
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
/** RFC 3339 knows years of four digits. */
const inRange = (ms: number): Date => {
  if (ms >= firstMs && ms <= lastMs) return new Date(ms)
  throw new Error('Time.MarshalJSON: year outside of range [0,9999]')
}

let latestSecond = Number.NaN
let latestText = ''
/** RFC 3339 in whole seconds, as metav1.Time writes it. */
export const rfc3339 = (ms: number): string => {
  // Nearly every one that is asked for is of the second that passes.
  const second = Math.floor(ms / 1000)
  if (second !== latestSecond) {
    latestText = `${inRange(ms).toISOString().slice(0, 19)}Z`
    latestSecond = second
  }
  return latestText
}

/** RFC 3339 in microseconds, as metav1.MicroTime writes it. */
export const rfc3339Micro = (ms: number): string => `${inRange(ms).toISOString().slice(0, 23)}000Z`

/** What is wrong with an apiVersion; undefined for one that names a group and a version. */
export const groupVersionFault = (apiVersion: string): string | undefined =>
  apiVersion.split('/').length > 2 ? `unexpected GroupVersion string: ${apiVersion}` : undefined
