import type { Env } from '@skiff/machinery'
import type { Attributes, Authorizer } from '../authorize.ts'
import type { Rbac } from '../authz/rbac.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'

/** What the built-in plugins decide by. */
export interface AdmissionSources {
  readonly registry: Registry
  readonly storage: Storage
  readonly env: Env
  readonly rbac: Rbac
  /** What decides on requests: RBAC and the rights of nodes. */
  readonly authorize: Authorizer
  /** Why it allows what it allows. */
  readonly why: (attributes: Attributes) => string
}
