import { gatesOf } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import { attachDetachController } from './attachments/attachments.ts'
import { tokenCleanerController } from './bootstraptokens/cleaner.ts'
import { bootstrapSignerController } from './bootstraptokens/signer.ts'
import { allControllers } from './catalogue.ts'
import { certificateControllers } from './certificates/certificates.ts'
import { clusterRoleAggregationController } from './clusterroles/aggregation.ts'
import { cronJobController } from './cronjob/cronjob.ts'
import { daemonSetController } from './daemon/daemonset.ts'
import { deploymentController } from './deployment/deployment.ts'
import { disruptionController } from './disruption/disruption.ts'
import { endpointsController } from './endpoints/endpoints.ts'
import { endpointSliceMirroringController } from './endpoints/mirroring.ts'
import { endpointSliceController } from './endpoints/slices.ts'
import { ephemeralVolumeController } from './ephemeral/ephemeral.ts'
import { volumeExpanderController } from './expansion/expansion.ts'
import { garbageCollector } from './garbage/collector.ts'
import { jobController, ttlAfterFinishedController } from './job/job.ts'
import { namespaceController } from './namespace/namespace.ts'
import { nodeIpamController } from './nodeipam/nodeipam.ts'
import { taintEvictionController } from './nodes/eviction.ts'
import { nodeLifecycleController } from './nodes/lifecycle.ts'
import { ttlController } from './nodes/ttl.ts'
import { podGarbageCollector } from './podgc/podgc.ts'
import { policyStatusController } from './policies/status.ts'
import { claimProtectionController, volumeProtectionController } from './protection/claims.ts'
import { resourceQuotaController } from './quota/quota.ts'
import { replicaSetController } from './replicas/replicaset.ts'
import { replicationControllerController } from './replicas/replicationcontroller.ts'
import type { Controller } from './runner/controller.ts'
import { serviceAccountController } from './serviceaccount/default-account.ts'
import { legacyTokenCleanerController } from './serviceaccount/legacy-cleaner.ts'
import { rootCaController } from './serviceaccount/root-ca.ts'
import { tokenController } from './serviceaccount/tokens.ts'
import { serviceCidrController } from './servicecidrs/servicecidrs.ts'
import { statefulSetController } from './statefulset/statefulset.ts'
import { storageVersionController, storageVersions } from './storageversions/storageversions.ts'
import { storedResources } from './testing/cluster.ts'
import { goldens } from './testing/goldens.ts'
import { volumeBinderController } from './volumes/binder.ts'

const bundle = () => 'PEM'
const sign = async () => 'signed'
const certificates = { approve: async () => undefined, signers: ['example.com/s'], sign }
const certificateController = (name: string) => () =>
  certificateControllers(certificates).find((each) => each.name === `certificatesigningrequest-${name}-controller`) as Controller

/** By folder, and within it by what stands before `decisions.yaml`: who decides. */
const controllers: Readonly<Record<string, () => Controller>> = {
  'attachments/': attachDetachController,
  'bootstraptokens/': tokenCleanerController,
  'bootstraptokens/signer-': bootstrapSignerController,
  'certificates/approving-': certificateController('approving'),
  'certificates/cleaner-': certificateController('cleaner'),
  'certificates/signing-': certificateController('signing'),
  'clusterroles/': clusterRoleAggregationController,
  'cronjob/': cronJobController,
  'daemon/': daemonSetController,
  'deployment/': deploymentController,
  'disruption/': () => disruptionController(() => storedResources),
  'endpoints/': endpointSliceController,
  'endpoints/endpoints-': endpointsController,
  'endpoints/mirroring-': endpointSliceMirroringController,
  'ephemeral/': ephemeralVolumeController,
  'expansion/': volumeExpanderController,
  'garbage/': () => garbageCollector(() => storedResources),
  'job/': jobController,
  'job/ttl-': ttlAfterFinishedController,
  'namespace/': () => namespaceController(() => storedResources.filter((r) => ['pods', 'configmaps'].includes(r.plural))),
  'nodeipam/': () => nodeIpamController({ clusterCidr: '10.0.0.0/23' }),
  'nodes/': taintEvictionController,
  'nodes/lifecycle-': nodeLifecycleController,
  'nodes/ttl-': ttlController,
  'podgc/': podGarbageCollector,
  'policies/': policyStatusController,
  'protection/': claimProtectionController,
  'protection/volumes-': volumeProtectionController,
  'quota/': () => resourceQuotaController(() => []),
  'replicas/': replicaSetController,
  'replicas/replicationcontroller-': replicationControllerController,
  'serviceaccount/': serviceAccountController,
  'serviceaccount/legacy-': legacyTokenCleanerController,
  'serviceaccount/root-ca-': () => rootCaController(bundle),
  'serviceaccount/tokens-': () => tokenController({ sign, bundle }),
  'servicecidrs/': serviceCidrController,
  'statefulset/': statefulSetController,
  'storageversions/': () => storageVersionController(() => [storageVersions]),
  'volumes/': volumeBinderController,
}

for (const [start, make] of Object.entries(controllers))
  describe(start, () => goldens(new URL(`./${start}decisions.yaml`, import.meta.url), make))

// What autoscalers decide is kept in another form, beside decide.test.ts.
const elsewhere = ['horizontal-pod-autoscaler-controller']

test('there are goldens of every controller', () => {
  const around = {
    resources: () => storedResources,
    rootCa: bundle,
    signToken: sign,
    certificates,
    nodeRanges: { clusterCidr: '10.0.0.0/23' },
    gates: gatesOf('StorageVersionAPI=true'),
  }
  const told = new Set([...elsewhere, ...Object.values(controllers).map((make) => make().name)])
  expect(
    allControllers(around)
      .map(({ name }) => name)
      .filter((name) => !told.has(name)),
  ).toEqual([])
})
