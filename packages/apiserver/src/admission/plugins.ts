import type { Env } from '@skiff/machinery'
import type { Rbac } from '../authz/rbac.ts'
import type { Registry } from '../registry/registry.ts'
import type { Storage } from '../registry/storage.ts'
import type { AdmissionPlugin } from './admission.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'

export interface AdmissionSources {
  readonly registry: Registry
  readonly storage: Storage
  readonly env: Env
  readonly rbac: Rbac
}

/** The built-in plugins in upstream's order. */
export const builtinAdmission = (sources: AdmissionSources): readonly AdmissionPlugin[] => [namespaceLifecycle(sources)]
