import { describe } from 'vitest'
import { tokenCleanerController } from './bootstraptokens/cleaner.ts'
import { clusterRoleAggregationController } from './clusterroles/aggregation.ts'
import { cronJobController } from './cronjob/cronjob.ts'
import { daemonSetController } from './daemon/daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { disruptionController } from './disruption/disruption.ts'
import { endpointSliceController } from './endpoints/slices.ts'
import { ephemeralVolumeController } from './ephemeral/ephemeral.ts'
import { volumeExpanderController } from './expansion/expansion.ts'
import { jobController } from './job/job.ts'
import { namespaceController } from './namespace/namespace.ts'
import { nodeIpamController } from './nodeipam/nodeipam.ts'
import { taintEvictionController } from './nodes/eviction.ts'
import { podGarbageCollector } from './podgc/podgc.ts'
import { claimProtectionController } from './protection/claims.ts'
import { resourceQuotaController } from './quota/quota.ts'
import { replicaSetController } from './replicas/replicaset.ts'
import type { Controller } from './runner/controller.ts'
import { serviceAccountController } from './serviceaccount/default-account.ts'
import { serviceCidrController } from './servicecidrs/servicecidrs.ts'
import { statefulSetController } from './statefulset/statefulset.ts'
import { storedResources } from './testing/cluster.ts'
import { goldens } from './testing/goldens.ts'
import { volumeBinderController } from './volumes/binder.ts'

/** By folder: its decisions.yaml holds the cases. */
const controllers: Readonly<Record<string, () => Controller>> = {
  bootstraptokens: tokenCleanerController,
  clusterroles: clusterRoleAggregationController,
  cronjob: cronJobController,
  daemon: daemonSetController,
  deployment: deploymentController,
  disruption: () => disruptionController(() => storedResources),
  endpoints: endpointSliceController,
  ephemeral: ephemeralVolumeController,
  expansion: volumeExpanderController,
  job: jobController,
  namespace: () => namespaceController(() => storedResources.filter((r) => ['pods', 'configmaps'].includes(r.plural))),
  nodeipam: () => nodeIpamController({ clusterCidr: '10.0.0.0/23' }),
  nodes: taintEvictionController,
  podgc: podGarbageCollector,
  protection: claimProtectionController,
  quota: () => resourceQuotaController(() => []),
  replicas: replicaSetController,
  serviceaccount: serviceAccountController,
  servicecidrs: serviceCidrController,
  statefulset: statefulSetController,
  volumes: volumeBinderController,
}

for (const [folder, make] of Object.entries(controllers))
  describe(folder, () => goldens(new URL(`./${folder}/decisions.yaml`, import.meta.url), make))
