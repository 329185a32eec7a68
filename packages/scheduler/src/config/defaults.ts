import type { Gates } from '@skiff/api'
import { type ExtensionPoint, extensionPoints } from '../cycle/framework.ts'
import type {
  InTreeArgs,
  LeaderElection,
  PluginRef,
  PluginSet,
  PluginSets,
  ProfileConfig,
  ResourceWeight,
  SchedulerConfiguration,
} from './configuration.ts'
import { configVersion } from './decode.ts'

/** Upstream's default profile, in its order: the first plugin that refuses a node names the reason. */
const defaultEnabled: readonly PluginRef[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
]

export interface DefaultedProfile extends ProfileConfig {
  readonly schedulerName: string
  readonly plugins: PluginSets
  readonly pluginConfig: readonly { readonly name: string; readonly args?: unknown }[]
}
export interface DefaultedConfiguration extends SchedulerConfiguration {
  readonly parallelism: number
  readonly percentageOfNodesToScore: number
  readonly podInitialBackoffSeconds: number
  readonly podMaxBackoffSeconds: number
  readonly profiles: readonly DefaultedProfile[]
  readonly leaderElection: Required<LeaderElection>
}

/** The features that the configuration knows of. */
export type SchedulerGates = Partial<Pick<Gates, 'StorageCapacityScoring'>>

/** Fills in upstream's defaults; plugin sets become whole lists, in which the user's words are merged. */
export const withDefaults = (given: SchedulerConfiguration, gates: SchedulerGates = {}): DefaultedConfiguration => {
  const profiles = given.profiles?.length ? given.profiles : [{}]
  const named = profiles.length === 1 ? [{ schedulerName: 'default-scheduler', ...profiles[0] }] : profiles
  return {
    ...given,
    parallelism: given.parallelism ?? 16,
    percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: given.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: given.podMaxBackoffSeconds ?? 10,
    leaderElection: electionWithDefaults(given.leaderElection ?? {}),
    profiles: named.map((each) => profileWithDefaults(each, gates)),
  }
}

/** Empty texts and zero durations count as absent. */
const electionWithDefaults = (given: LeaderElection): Required<LeaderElection> => {
  const certain = (text: string | undefined, fallback: string): string => (!text || text === '0s' ? fallback : text)
  return {
    leaderElect: given.leaderElect ?? true,
    leaseDuration: certain(given.leaseDuration, '15s'),
    renewDeadline: certain(given.renewDeadline, '10s'),
    retryPeriod: certain(given.retryPeriod, '2s'),
    resourceLock: given.resourceLock || 'leases',
    resourceName: given.resourceName || 'kube-scheduler',
    resourceNamespace: given.resourceNamespace || 'kube-system',
  }
}

const profileWithDefaults = (given: ProfileConfig, gates: SchedulerGates): DefaultedProfile => {
  const plugins: Partial<Record<ExtensionPoint | 'multiPoint', PluginSet>> = {}
  for (const point of extensionPoints) plugins[point] = merged([], given.plugins?.[point])
  plugins.multiPoint = merged(defaultEnabled, given.plugins?.multiPoint)
  const held = (given.pluginConfig ?? []).map(({ name, args }) => ({ name, args: argsWithDefaults(name, args, gates) }))
  const enabled = Object.values(plugins).flatMap((set) => set?.enabled?.map(({ name }) => name) ?? [])
  const configured = new Set(held.map(({ name }) => name))
  const more = [...new Set(enabled)].sort().filter((name) => !configured.has(name) && Object.hasOwn(argDefaults, name))
  return {
    ...given,
    schedulerName: given.schedulerName ?? '',
    plugins,
    pluginConfig: [...held, ...more.map((name) => ({ name, args: argsWithDefaults(name, {}, gates) }))],
  }
}

/** A default that is named again is replaced where it stands; what is new comes after, in the user's order. */
const merged = (defaults: readonly PluginRef[], given: PluginSet = {}): PluginSet => {
  const { enabled = [], disabled = [] } = given
  const off = new Set(disabled.map(({ name }) => name))
  const replaced = new Set<PluginRef>()
  const kept = off.has('*') ? [] : defaults.filter(({ name }) => !off.has(name))
  const own = kept.map((each) => {
    const again = enabled.findLast(({ name }) => name === each.name)
    if (again) replaced.add(again)
    return again ?? each
  })
  return { enabled: [...own, ...enabled.filter((each) => !replaced.has(each))], disabled }
}

const cpuAndMemory: readonly ResourceWeight[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]
const weighted = (given: readonly Partial<ResourceWeight>[] = []): readonly ResourceWeight[] =>
  given.length === 0 ? cpuAndMemory : given.map(({ name = '', weight }) => ({ name, weight: weight || 1 }))

type Given = Readonly<Record<string, unknown>>
/** The emptier the storage, the better. */
const storageShape = [
  { utilization: 0, score: 10 },
  { utilization: 100, score: 0 },
]
const argDefaults: Readonly<Record<keyof InTreeArgs, (given: Given, gates: SchedulerGates) => Given>> = {
  DefaultPreemption: (given) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...given }),
  InterPodAffinity: (given) => ({ hardPodAffinityWeight: 1, ...given }),
  NodeAffinity: (given) => given,
  NodeResourcesBalancedAllocation: (given) => ({ ...given, resources: weighted(given.resources as ResourceWeight[]) }),
  NodeResourcesFit: (given) => {
    const strategy = given.scoringStrategy as { readonly resources?: readonly ResourceWeight[] } | undefined
    return { ...given, scoringStrategy: { ...(strategy ?? { type: 'LeastAllocated' }), resources: weighted(strategy?.resources) } }
  },
  PodTopologySpread: (given) => ({ defaultingType: 'System', ...given }),
  VolumeBinding: (given, { StorageCapacityScoring }) => ({
    ...(StorageCapacityScoring ? { shape: storageShape } : {}),
    bindTimeoutSeconds: 600,
    ...given,
  }),
}

/** In-tree plugins get whole arguments; those of others stay as they are. */
const argsWithDefaults = (name: string, args: unknown, gates: SchedulerGates): unknown =>
  Object.hasOwn(argDefaults, name) ? argDefaults[name as keyof InTreeArgs]((args ?? {}) as Given, gates) : args

/** What counts without any file. */
export const defaultConfiguration = (): DefaultedConfiguration =>
  withDefaults({ apiVersion: configVersion, kind: 'KubeSchedulerConfiguration' })
