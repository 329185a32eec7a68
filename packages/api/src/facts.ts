import type { TypeFacts } from '@skiff/machinery'
import apiFacts from '../facts/api-1.33.json' with { type: 'json' }
import legacyFacts from '../facts/legacy-types.json' with { type: 'json' }
import selectableFacts from '../facts/selectable-fields.json' with { type: 'json' }

/** A subresource as the facts list it; group and version only where they differ from the parent's. */
export interface SubresourceFacts {
  readonly name: string
  readonly kind: string
  readonly group?: string
  readonly version?: string
  readonly verbs: readonly string[]
}

export interface ResourceFacts {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly namespaced?: boolean
  readonly listKind: string
  readonly verbs: readonly string[]
  /** Keys of types. */
  readonly type: string
  readonly listType: string
  readonly subresources?: readonly SubresourceFacts[]
  readonly storageVersionHash?: string
  readonly preferred?: boolean
  /** Not served with default settings. */
  readonly off?: boolean
  /** Served by an aggregated API server. */
  readonly aggregated?: boolean
}

export interface SelectableFacts {
  readonly fields: readonly string[]
  readonly default?: boolean
  readonly aliases?: Readonly<Record<string, string>>
}

/** Those of removed versions that the facts of 1.33 still have stand there; the others are added. */
export const typeFacts = Object.assign(apiFacts.types, legacyFacts.types) as unknown as Readonly<Record<string, TypeFacts>>
export const resourceFacts = apiFacts.resources as unknown as readonly ResourceFacts[]
/** By `group/plural`, or `plural` for the core group. */
export const selectableFields = selectableFacts.resources as unknown as Readonly<Record<string, SelectableFacts>>
