import { controllerRevision } from './apps/controller-revision.ts'
import { daemonSet } from './apps/daemon-set.ts'
import { deployment } from './apps/deployment.ts'
import { replicaSet } from './apps/replica-set.ts'
import { statefulSet } from './apps/stateful-set.ts'
import { cronJob } from './batch/cron-job.ts'
import { job } from './batch/job.ts'
import { configMap } from './core/config-map.ts'
import { endpoints } from './core/endpoints.ts'
import { event } from './core/event.ts'
import { limitRange } from './core/limit-range.ts'
import { namespace } from './core/namespace.ts'
import { node } from './core/node.ts'
import { persistentVolume } from './core/persistent-volume.ts'
import { persistentVolumeClaim } from './core/persistent-volume-claim.ts'
import { pod } from './core/pod.ts'
import { podTemplate } from './core/pod-template.ts'
import { replicationController } from './core/replication-controller.ts'
import { resourceQuota } from './core/resource-quota.ts'
import { secret } from './core/secret.ts'
import { service } from './core/service.ts'
import { serviceAccount } from './core/service-account.ts'
import { eventsEvent } from './events/event.ts'
import type { KindEntry } from './kind.ts'

/** Every kind with a behaviour of its own. Resources not named here follow the common rules of the registry. */
export const kinds: readonly KindEntry[] = [
  // core
  pod,
  podTemplate,
  replicationController,
  service,
  endpoints,
  node,
  namespace,
  configMap,
  secret,
  serviceAccount,
  event,
  limitRange,
  resourceQuota,
  persistentVolume,
  persistentVolumeClaim,
  // apps
  deployment,
  replicaSet,
  statefulSet,
  daemonSet,
  controllerRevision,
  // batch
  job,
  cronJob,
  // events.k8s.io
  eventsEvent,
]
