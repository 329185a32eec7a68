import { typeFacts } from '@skiff/api'
import { compileSchemas, type FieldFacts, type ObjectSchema, type TypeFacts } from '@skiff/machinery'
import { extensionPoints } from '../cycle/framework.ts'

// The configuration's types as facts, so that the reader of API objects reads them too, with its texts.

const prefix = 'io.k8s.kube-scheduler.config.v1.'
const core = 'io.k8s.api.core.v1.'

const text: FieldFacts = { type: 'string' }
const flag: FieldFacts = { type: 'boolean' }
const optionalFlag: FieldFacts = { type: 'boolean', ptr: true }
const int32: FieldFacts = { type: 'integer', format: 'int32' }
/** Zero is a value of its own. */
const optionalInt32: FieldFacts = { ...int32, ptr: true }
const certainInt32: FieldFacts = { ...int32, zero: 0 }
const optionalInt64: FieldFacts = { type: 'integer', format: 'int64', ptr: true }
const duration: FieldFacts = { type: 'string', format: 'duration' }
const bytes: FieldFacts = { type: 'string', format: 'byte' }
const one = (name: string): FieldFacts => ({ type: 'object', ref: name.startsWith('io.') ? name : prefix + name })
const many = (name: string): FieldFacts => ({ type: 'array', items: one(name) })
const texts: FieldFacts = { type: 'array', items: text }
const root = { apiVersion: text, kind: text }

const fields: Readonly<Record<string, Readonly<Record<string, FieldFacts>>>> = {
  KubeSchedulerConfiguration: {
    ...root,
    parallelism: optionalInt32,
    leaderElection: one('LeaderElectionConfiguration'),
    clientConnection: one('ClientConnectionConfiguration'),
    enableProfiling: optionalFlag,
    enableContentionProfiling: optionalFlag,
    percentageOfNodesToScore: optionalInt32,
    podInitialBackoffSeconds: optionalInt64,
    podMaxBackoffSeconds: optionalInt64,
    profiles: many('KubeSchedulerProfile'),
    extenders: many('Extender'),
    delayCacheUntilActive: flag,
  },
  LeaderElectionConfiguration: {
    leaderElect: optionalFlag,
    leaseDuration: duration,
    renewDeadline: duration,
    retryPeriod: duration,
    resourceLock: text,
    resourceName: text,
    resourceNamespace: text,
  },
  ClientConnectionConfiguration: { kubeconfig: text, acceptContentTypes: text, contentType: text, qps: { type: 'number' }, burst: int32 },
  KubeSchedulerProfile: {
    schedulerName: { type: 'string', ptr: true },
    percentageOfNodesToScore: optionalInt32,
    plugins: one('Plugins'),
    pluginConfig: many('PluginConfig'),
  },
  Plugins: Object.fromEntries([...extensionPoints, 'multiPoint'].map((point) => [point, one('PluginSet')])),
  PluginSet: { enabled: many('Plugin'), disabled: many('Plugin') },
  Plugin: { name: { ...text, zero: '' }, weight: optionalInt32 },
  PluginConfig: { name: { ...text, zero: '' }, args: { type: 'any' } },
  Extender: {
    ...{ urlPrefix: text, filterVerb: text, preemptVerb: text, prioritizeVerb: text, bindVerb: text },
    weight: { type: 'integer', format: 'int64' },
    enableHTTPS: flag,
    tlsConfig: one('ExtenderTLSConfig'),
    httpTimeout: duration,
    nodeCacheCapable: flag,
    managedResources: many('ExtenderManagedResource'),
    ignorable: flag,
  },
  ExtenderManagedResource: { name: { ...text, zero: '' }, ignoredByScheduler: flag },
  ExtenderTLSConfig: {
    ...{ insecure: flag, serverName: text, certFile: text, keyFile: text, caFile: text },
    ...{ certData: bytes, keyData: bytes, caData: bytes },
  },
  DefaultPreemptionArgs: { ...root, minCandidateNodesPercentage: optionalInt32, minCandidateNodesAbsolute: optionalInt32 },
  InterPodAffinityArgs: { ...root, hardPodAffinityWeight: optionalInt32, ignorePreferredTermsOfExistingPods: flag },
  NodeAffinityArgs: { ...root, addedAffinity: one(`${core}NodeAffinity`) },
  NodeResourcesFitArgs: { ...root, ignoredResources: texts, ignoredResourceGroups: texts, scoringStrategy: one('ScoringStrategy') },
  ScoringStrategy: {
    type: { ...text, zero: '' },
    resources: many('ResourceSpec'),
    requestedToCapacityRatio: one('RequestedToCapacityRatioParam'),
  },
  ResourceSpec: { name: { ...text, zero: '' }, weight: { type: 'integer', format: 'int64' } },
  RequestedToCapacityRatioParam: { shape: many('UtilizationShapePoint') },
  UtilizationShapePoint: { utilization: certainInt32, score: certainInt32 },
  NodeResourcesBalancedAllocationArgs: { ...root, resources: many('ResourceSpec') },
  PodTopologySpreadArgs: { ...root, defaultConstraints: many(`${core}TopologySpreadConstraint`), defaultingType: text },
  VolumeBindingArgs: { ...root, bindTimeoutSeconds: optionalInt64, shape: many('UtilizationShapePoint') },
}

const own = Object.fromEntries(Object.entries(fields).map(([name, each]) => [prefix + name, { fields: each } as TypeFacts]))
const schemaOf = compileSchemas({ types: { ...typeFacts, ...own } })

/** The schema of one of the configuration's own types; undefined for arguments that no in-tree plugin takes. */
export const configSchema = (name: string): ObjectSchema | undefined => (Object.hasOwn(fields, name) ? schemaOf(prefix + name) : undefined)
