import { defaultGates, type Gates, type Resource } from '@skiff/api'
import { attachDetachController } from './attachments/attachments.ts'
import { horizontalPodAutoscalerController } from './autoscaling/horizontal.ts'
import { tokenCleanerController } from './bootstraptokens/cleaner.ts'
import { bootstrapSignerController } from './bootstraptokens/signer.ts'
import { type CertificatePolicy, certificateControllers } from './certificates/certificates.ts'
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
import { currentName, elsewhere } from './names.ts'
import { namespaceController } from './namespace/namespace.ts'
import { type NodeRanges, nodeIpamController } from './nodeipam/nodeipam.ts'
import { taintEvictionController } from './nodes/eviction.ts'
import type { NodeHealth } from './nodes/health.ts'
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
import { type TokenSource, tokenController } from './serviceaccount/tokens.ts'
import { serviceCidrController } from './servicecidrs/servicecidrs.ts'
import { statefulSetController } from './statefulset/statefulset.ts'
import { storageVersionController } from './storageversions/storageversions.ts'
import { volumeBinderController } from './volumes/binder.ts'

/** What the controllers need from outside the API. What is absent switches off who needs it. */
export interface Surroundings {
  /** Every resource that is served now, those of custom definitions included. Where it says its verbs, what cannot be listed, watched and deleted is left out. */
  readonly resources: () => readonly (Resource & { readonly verbs?: readonly string[] })[]
  /** The PEM bundle that pods trust the API server by. */
  readonly rootCa?: () => string
  /** Signs tokens for secrets of type kubernetes.io/service-account-token. */
  readonly signToken?: TokenSource['sign']
  /** Approves and signs certificate requests. */
  readonly certificates?: CertificatePolicy
  /** Gives nodes ranges of pod addresses. */
  readonly nodeRanges?: NodeRanges
  /** When nodes count as lost; absent: upstream's. */
  readonly nodeHealth?: NodeHealth
  /** Which features are on; absent: those of 1.33. */
  readonly gates?: Gates
}

const needed = ['list', 'watch', 'delete']

/** Every controller there is, in upstream's order of starting. */
export const allControllers = (around: Surroundings): readonly Controller[] => {
  const { rootCa, signToken, certificates, nodeRanges, nodeHealth, gates = defaultGates } = around
  const resources = () => around.resources().filter(({ verbs }) => !verbs || needed.every((verb) => verbs.includes(verb)))
  return [
    ...(rootCa && signToken ? [tokenController({ sign: signToken, bundle: rootCa })] : []),
    endpointsController(),
    endpointSliceController(),
    endpointSliceMirroringController(),
    replicationControllerController(),
    podGarbageCollector(),
    resourceQuotaController(resources),
    namespaceController(resources),
    serviceAccountController(),
    garbageCollector(resources),
    daemonSetController(),
    jobController(),
    deploymentController(),
    replicaSetController(gates.DeploymentReplicaSetTerminatingReplicas),
    horizontalPodAutoscalerController(resources),
    disruptionController(resources),
    statefulSetController(),
    cronJobController(),
    ...(certificates ? certificateControllers(certificates) : []),
    ttlController(),
    bootstrapSignerController(),
    tokenCleanerController(),
    ...(nodeRanges ? [nodeIpamController(nodeRanges)] : []),
    nodeLifecycleController(nodeHealth),
    taintEvictionController(),
    volumeBinderController(),
    attachDetachController(),
    volumeExpanderController(),
    clusterRoleAggregationController(),
    claimProtectionController(),
    volumeProtectionController(),
    ttlAfterFinishedController(),
    ...(rootCa ? [rootCaController(rootCa)] : []),
    ephemeralVolumeController(),
    ...(gates.StorageVersionAPI && gates.APIServerIdentity ? [storageVersionController(resources)] : []),
    legacyTokenCleanerController(),
    serviceCidrController(),
    policyStatusController(),
  ]
}

/** The first entry of a list for `--controllers` that names nobody. */
export const unknownController = (enabled: readonly string[]): string | undefined => {
  const nothing = async () => ''
  const certificates = { approve: async () => undefined, signers: [], sign: nothing }
  const nodeRanges = { clusterCidr: '10.0.0.0/8' }
  const all = allControllers({ resources: () => [], rootCa: () => '', signToken: nothing, certificates, nodeRanges })
  const names = new Set(['*', '', ...all.map(({ name }) => name), ...elsewhere])
  return enabled.find((entry) => !names.has(currentName(entry.replace(/^-/, ''))))
}
