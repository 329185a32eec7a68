import type { ServedResource } from '@skiff/client'
import type { Dynamic } from './fields.ts'

/** An object that a command acts on: where it is, and as much of it as was read. */
export interface Info {
  readonly resource: ServedResource
  /** '' for what lies in no namespace. */
  readonly namespace: string
  readonly name: string
  readonly object?: Dynamic
  /** The object is of a kind known here, so that JSON keeps the order of its fields. */
  readonly typed?: boolean
  /** The file that it came from. */
  readonly source?: string
}

/** `deployment.apps`: a kind as kubectl's messages name it. */
export const kindName = ({ kind, group }: { readonly kind: string; readonly group: string }): string =>
  group === '' ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`

/** `deployment.apps/web`. */
export const fullName = (resource: { readonly kind: string; readonly group: string }, name: string): string =>
  `${kindName(resource)}/${name}`

export const targetOf = ({ resource, namespace, name }: Info): { namespace?: string; name: string } => ({
  name,
  ...(resource.namespaced ? { namespace } : {}),
})
