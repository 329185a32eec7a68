import type { Env } from '@skiff/machinery'
import type { Rbac } from '../authz/rbac.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'

/** What the built-in plugins decide by. */
export interface AdmissionSources {
  readonly registry: Registry
  readonly storage: Storage
  readonly env: Env
  readonly rbac: Rbac
}
