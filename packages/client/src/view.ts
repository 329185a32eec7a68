import type { Resource } from '@skiff/api'
import type { KubeObject } from '@skiff/machinery'

/** One change of a view; `before` is absent for what is new, `after` for what is gone. */
export interface ViewChange<T extends KubeObject = KubeObject> {
  readonly key: string
  readonly before: T | undefined
  readonly after: T | undefined
}

/** A local, always readable picture of one resource, kept by list and watch. It may be stale, never torn. Objects are shared: never change them. */
export interface View<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>
  /** By `namespace/name`, or `name` for cluster-scoped objects. */
  get(key: string): T | undefined
  list(namespace?: string): Iterable<T>
  /** Objects with an ownerReference of this uid. */
  ownedBy(uid: string): readonly T[]
  /** Objects that the named index puts under `value`. */
  indexed(index: string, value: string): readonly T[]
  /** Adds an index; `values` gives what to find an object by. Adding the same name again is no error. */
  addIndex(index: string, values: (object: T) => readonly string[]): void
  readonly size: number
  /** Called for every change after the initial list as well as for its objects; returns the function that ends it. */
  subscribe(onChange: (change: ViewChange<T>) => void): () => void
  /** Resolves once the first list is in. */
  readonly synced: Promise<void>
  readonly isSynced: boolean
  /** The newest resourceVersion seen, as a number (0 before the first list). Compared within this resource only. */
  readonly revision: number
  /** Resolves true when `revision` has reached `revision`, false after `deadlineMs`. */
  reached(revision: number, deadlineMs: number): Promise<boolean>
  /** Lists afresh and merges, for when a watch is not trusted (a write of unknown outcome). */
  refresh(): Promise<void>
}

/** The views that a process shares: asking twice for one resource gives the same view. */
export interface Views {
  view<T extends KubeObject>(resource: Resource<T>): View<T>
  /** Resolves once every view asked for so far is synced. */
  synced(): Promise<void>
  close(): Promise<void>
}
