import type { FieldError, KubeObject } from '@skiff/machinery'
import type { Behaviour } from '../kind.ts'

/** An object in a version that has no generated type. */
export type Loose = KubeObject & { readonly spec?: LooseFields; readonly status?: LooseFields } & LooseFields
export type LooseFields = Readonly<Record<string, unknown>>

/** Minor releases of Kubernetes 1, and the version and kind to use instead. */
export interface Lifecycle {
  readonly deprecated: number
  readonly removed: number
  readonly use?: string
}

/** How a removed version differs from the stored one in form; what is absent differs in the name of the version alone. */
export interface Form {
  /** That version's own defaulting, before conversion. What the stored version fills in need not be said here. */
  readonly default?: (object: Loose) => Loose
  readonly toStored?: (object: Loose) => Loose
  readonly fromStored?: (object: Loose) => Loose
  /** Faults of the stored form as this version reports them; undefined takes one away. `next` is in the stored form. */
  readonly fault?: (fault: FieldError, next: KubeObject) => FieldError | undefined
  /** Checks of this version's own, of the stored form. */
  readonly more?: (next: KubeObject, old: KubeObject | undefined) => readonly FieldError[]
  /** What else is done otherwise, over the stored kind's behaviour. */
  readonly behaviour?: (stored: Behaviour) => Partial<Behaviour>
}

/** A resource in a removed version. */
export interface LegacyKind extends Form {
  readonly group: string
  readonly version: string
  /** The served resource that has its objects, as `group/version/plural`. */
  readonly of: string
  /** Key of its type in the facts. Absent: the type's name in the served version, with this version in it. */
  readonly type?: string
  /** Alpha versions never warned. */
  readonly lifecycle?: Lifecycle
  /** True for Deployments that can be asked to go back to an older revision. */
  readonly rollback?: boolean
}

/** Fields of which those that are undefined are left out. */
export const given = (fields: LooseFields): LooseFields => {
  if (!Object.values(fields).includes(undefined)) return fields
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Fills absent fields. */
export const filled = (fields: LooseFields | undefined, defaults: LooseFields): LooseFields => ({ ...defaults, ...given(fields ?? {}) })

/** Applies `change` to the items of a list, if it is one. */
export const eachOf = (list: unknown, change: (item: LooseFields) => LooseFields): unknown =>
  Array.isArray(list) ? list.map((item) => change(item as LooseFields)) : list
