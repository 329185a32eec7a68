import type { AdmissionPlugin } from './admission.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import type { AdmissionSources } from './sources.ts'

/** The built-in plugins in upstream's order. */
export const builtinAdmission = (sources: AdmissionSources): readonly AdmissionPlugin[] => [namespaceLifecycle(sources)]
