import type { AdmissionPlugin } from './admission.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priority } from './priority.ts'
import { serviceAccount } from './service-account.ts'
import type { AdmissionSources } from './sources.ts'

/** The built-in plugins in upstream's order. */
export const builtinAdmission = (sources: AdmissionSources): readonly AdmissionPlugin[] => [
  namespaceLifecycle(sources),
  serviceAccount(sources),
  priority(sources),
  defaultTolerationSeconds,
]
