import { extensionPoints } from '../cycle/framework.ts'
import type { ExtenderConfig, InTreeArgs, PluginSet, ResourceWeight } from './configuration.ts'
import { configVersion } from './decode.ts'
import type { DefaultedConfiguration, DefaultedProfile } from './defaults.ts'

/**
 * What upstream's /configz tells: the whole configuration in its internal form, whose fields have Go's names, nothing left out. Only types of
 * the core API keep theirs.
 */
export const componentConfig = (config: DefaultedConfiguration): object => {
  const { leaderElection: election, clientConnection: connection = {} } = config
  return {
    apiVersion: configVersion,
    Parallelism: config.parallelism,
    LeaderElection: {
      LeaderElect: election.leaderElect,
      LeaseDuration: election.leaseDuration,
      RenewDeadline: election.renewDeadline,
      RetryPeriod: election.retryPeriod,
      ResourceLock: election.resourceLock,
      ResourceName: election.resourceName,
      ResourceNamespace: election.resourceNamespace,
    },
    ClientConnection: {
      Kubeconfig: connection.kubeconfig ?? '',
      AcceptContentTypes: connection.acceptContentTypes ?? '',
      ContentType: connection.contentType || 'application/vnd.kubernetes.protobuf',
      QPS: connection.qps || 50,
      Burst: connection.burst || 100,
    },
    EnableProfiling: config.enableProfiling ?? true,
    EnableContentionProfiling: config.enableContentionProfiling ?? true,
    PercentageOfNodesToScore: config.percentageOfNodesToScore,
    PodInitialBackoffSeconds: config.podInitialBackoffSeconds,
    PodMaxBackoffSeconds: config.podMaxBackoffSeconds,
    Profiles: config.profiles.map(profileOf),
    Extenders: config.extenders?.map(extenderOf) ?? null,
    DelayCacheUntilActive: config.delayCacheUntilActive ?? false,
  }
}

/** A list of upstream's is null where it is empty. */
const listOf = <T>(items: readonly T[] | undefined, shown: (item: T) => unknown): unknown => (items?.length ? items.map(shown) : null)
const goName = (point: string): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}`

const setOf = ({ enabled, disabled }: PluginSet = {}) => {
  const ref = ({ name, weight = 0 }: { readonly name: string; readonly weight?: number }) => ({ Name: name, Weight: weight })
  return { Enabled: listOf(enabled, ref), Disabled: listOf(disabled, ref) }
}
const profileOf = ({ schedulerName, percentageOfNodesToScore, plugins, pluginConfig }: DefaultedProfile) => ({
  SchedulerName: schedulerName,
  PercentageOfNodesToScore: percentageOfNodesToScore ?? null,
  Plugins: Object.fromEntries([...extensionPoints, 'multiPoint' as const].map((point) => [goName(point), setOf(plugins[point])])),
  PluginConfig: listOf(pluginConfig, ({ name, args }) => ({
    Name: name,
    Args: Object.hasOwn(argsOf, name) ? argsOf[name as keyof InTreeArgs](args as never) : args,
  })),
})

const resource = ({ name, weight }: ResourceWeight) => ({ Name: name, Weight: weight })
const point = ({ utilization, score }: { readonly utilization: number; readonly score: number }) => ({
  Utilization: utilization,
  Score: score,
})
const argsOf: { readonly [Name in keyof InTreeArgs]: (args: InTreeArgs[Name]) => object } = {
  DefaultPreemption: (args) => ({
    MinCandidateNodesPercentage: args.minCandidateNodesPercentage,
    MinCandidateNodesAbsolute: args.minCandidateNodesAbsolute,
  }),
  InterPodAffinity: (args) => ({
    HardPodAffinityWeight: args.hardPodAffinityWeight,
    IgnorePreferredTermsOfExistingPods: args.ignorePreferredTermsOfExistingPods ?? false,
  }),
  NodeAffinity: ({ addedAffinity = null }) => ({ AddedAffinity: addedAffinity }),
  NodeResourcesFit: ({ ignoredResources, ignoredResourceGroups, scoringStrategy: { type, resources, requestedToCapacityRatio } }) => ({
    IgnoredResources: listOf(ignoredResources, (each) => each),
    IgnoredResourceGroups: listOf(ignoredResourceGroups, (each) => each),
    ScoringStrategy: {
      Type: type,
      Resources: listOf(resources, resource),
      RequestedToCapacityRatio: requestedToCapacityRatio ? { Shape: listOf(requestedToCapacityRatio.shape, point) } : null,
    },
  }),
  NodeResourcesBalancedAllocation: ({ resources }) => ({ Resources: listOf(resources, resource) }),
  PodTopologySpread: ({ defaultConstraints, defaultingType }) => ({
    DefaultConstraints: listOf(defaultConstraints, (each) => each),
    DefaultingType: defaultingType,
  }),
  VolumeBinding: ({ bindTimeoutSeconds, shape }) => ({ BindTimeoutSeconds: bindTimeoutSeconds, Shape: listOf(shape, point) }),
}

const extenderOf = (config: ExtenderConfig) => ({
  URLPrefix: config.urlPrefix ?? '',
  FilterVerb: config.filterVerb ?? '',
  PreemptVerb: config.preemptVerb ?? '',
  PrioritizeVerb: config.prioritizeVerb ?? '',
  Weight: config.weight ?? 0,
  BindVerb: config.bindVerb ?? '',
  EnableHTTPS: config.enableHTTPS ?? false,
  // Whether there is one; its keys are nobody's business.
  TLSConfig: config.tlsConfig ? {} : null,
  HTTPTimeout: config.httpTimeout || '0s',
  NodeCacheCapable: config.nodeCacheCapable ?? false,
  ManagedResources: listOf(config.managedResources, ({ name, ignoredByScheduler = false }) => ({
    Name: name,
    IgnoredByScheduler: ignoredByScheduler,
  })),
  Ignorable: config.ignorable ?? false,
})
