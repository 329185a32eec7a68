import type { FieldError, KubeObject } from '@skiff/machinery'
import type { Resource } from './resource.ts'

/** Who asks: the client package's Identity has this shape. */
export interface Caller {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What a strategy may ask for besides the objects. */
export interface StrategyContext {
  /** RFC 3339, whole seconds. */
  readonly now: string
  readonly userName: string
  /** The whole caller, for kinds that keep who made them. */
  readonly identity?: Caller
  readonly dryRun: boolean
}

/**
 * How the objects of a kind behave: upstream's strategy. Every member is optional; what is absent follows the common rules of the
 * registry: status is dropped on create where the kind has a status subresource, kept on update, and alone changed through it;
 * generation is 1 on create and grows when anything but metadata and status changes; metadata is validated for every kind.
 * All functions are pure and never change what they are given. Fields of features that are off are gone before a write's functions run.
 */
export interface Behaviour<T extends KubeObject = KubeObject> {
  /** Defaulting that is more than a constant of the facts. Runs after decoding, on objects read from storage as well. */
  readonly default?: (object: T) => T
  /** Fills in what objects lack that were stored before the fields were there; never asked for what a user sends. */
  readonly defaultOnRead?: (object: T) => T
  readonly prepareForCreate?: (next: T, context: StrategyContext) => T
  /** `next` already carries the old status. */
  readonly prepareForUpdate?: (next: T, old: T, context: StrategyContext) => T
  /** Spec and other fields of a new object; metadata is checked elsewhere. */
  readonly validate?: (next: T) => readonly FieldError[]
  /** Everything that upstream checks on update, the checks of `validate` included where upstream repeats them. Absent: `validate` of next. */
  readonly validateUpdate?: (next: T, old: T) => readonly FieldError[]
  /** How often upstream checks an update as a new object before it checks it as an update: each time names its faults again. */
  readonly createChecksOnUpdate?: number
  /** Sentences for Warning headers. `old` is absent on create. */
  readonly warnings?: (next: T, old: T | undefined) => readonly string[]
  /** Complaints about a name; `prefix` for generateName. Absent: a DNS-1123 subdomain. */
  readonly validateName?: (name: string, prefix: boolean) => readonly string[]
  /** False where upstream keeps no metadata.generation for the kind. */
  readonly generation?: boolean
  /** True: generation also grows with what `generationChanged` finds; absent: deep inequality of all but metadata and status. */
  readonly generationChanged?: (next: T, old: T) => boolean
  /** Writes through a subresource with the object's own shape: status, approval, finalize, ephemeralcontainers, resize. */
  readonly subresources?: Readonly<Record<string, SubresourceBehaviour<T>>>
  /** True: the status sent with a create is kept (nodes, for one). */
  readonly keepStatusOnCreate?: boolean
  /** True: `PUT` of a name that is absent creates it. */
  readonly allowCreateOnUpdate?: boolean
  /** True: updates without resourceVersion are refused (upstream's AllowUnconditionalUpdate false). */
  readonly requireResourceVersion?: boolean
  /** The group that refusals of invalid objects name, where upstream's internal type is known under another group first. */
  readonly internalGroup?: string
  /** Seconds until removal when the caller names none, for kinds that are deleted gracefully. Undefined: at once. */
  readonly gracePeriodSeconds?: (object: T, asked: number | undefined) => number | undefined
  /** What garbage collection does by default; 'background' everywhere but where upstream orphans. */
  readonly defaultPropagation?: 'Background' | 'Orphan'
  /**
   * Dotted paths that a write never changes, by subresource ('' is the object itself), so that no manager comes to hold them. Absent:
   * status, and for the status subresource spec.
   */
  readonly ignoredFields?: Readonly<Record<string, readonly string[]>>
  /** What the first delete does to the object before it is looked at what holds it back: a finalizer, a condition. */
  readonly prepareForDelete?: (object: T, now: string) => T
  /** True: the first delete sets the time alone, no grace and no generation, as upstream's own storage of the kind does. */
  readonly marksDeletionAlone?: boolean
  /** Finalizers that every new object gets (namespaces' spec.finalizers are prepared instead). */
  readonly finalizers?: readonly string[]
}

export interface SubresourceBehaviour<T extends KubeObject = KubeObject> {
  /** Takes from `next` only what this subresource may change, on top of `old`. */
  readonly prepareForUpdate: (next: T, old: T, context: StrategyContext) => T
  readonly validateUpdate?: (next: T, old: T) => readonly FieldError[]
}

/** A resource's own file gives its behaviour under the resource's name; kinds.ts lists them. */
export interface KindEntry {
  readonly resource: Resource
  readonly behaviour: Behaviour
}

/** The entry forgets T: what the registry hands to the behaviour was decoded by the kind's own schema. */
export const defineKind = <T extends KubeObject>(resource: Resource<T>, behaviour: Behaviour<T>): KindEntry =>
  ({ resource, behaviour }) as unknown as KindEntry
