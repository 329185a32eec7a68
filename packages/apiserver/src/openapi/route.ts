import type { GroupVersionKind } from './schemas.ts'

/** A parameter in a path or query. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly type: string
  readonly description: string
}

/** What an answer holds: a named schema, or a plain type. */
export type Answer = { readonly ref: string } | { readonly type: string }

/** One operation, before a version of OpenAPI writes it. */
export interface Route {
  readonly path: string
  readonly method: 'get' | 'put' | 'post' | 'delete' | 'patch' | 'options' | 'head'
  readonly id: string
  readonly tag: string
  readonly description: string
  readonly parameters: readonly Parameter[]
  readonly body?: { readonly ref: string; readonly required: boolean }
  readonly consumes: readonly string[]
  readonly produces: readonly string[]
  readonly codes: readonly string[]
  readonly answer: Answer
  /** Absent for what is no resource. */
  readonly action?: string
  readonly gvk?: GroupVersionKind
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const withoutDomain = (group: string): string => (group === '' ? 'core' : group.replace(/\.k8s\.io$/, ''))

const joined = (text: string): string =>
  text
    .split(/[^A-Za-z0-9]+/)
    .map(capital)
    .join('')

/** For ids: `apps/v1` is AppsV1, `rbac.authorization.k8s.io/v1` RbacAuthorizationV1, `v1` CoreV1. */
export const idOf = (group: string, version = ''): string => `${joined(withoutDomain(group))}${capital(version)}`

/** `rbacAuthorization_v1`; a group alone without its version. */
export const tagOf = (group: string, version = ''): string => {
  const name = joined(withoutDomain(group))
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${version === '' ? '' : `_${version}`}`
}

export const capitalised = capital
