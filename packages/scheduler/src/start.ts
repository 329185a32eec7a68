import { hostname } from 'node:os'
import {
  namespace,
  node,
  podDisruptionBudget,
  pod as pods,
  type Resource,
  replicaSet,
  replicationController,
  service,
  statefulSet,
} from '@skiff/api'
import { type Client, createSeriesRecorder, type EventRecorder, type Views } from '@skiff/client'
import { type Env, type Family, isRefusal, summariseErrors } from '@skiff/machinery'
import type { ExtenderConfig, SchedulerConfiguration } from './config/configuration.ts'
import { configVersion } from './config/decode.ts'
import { type DefaultedConfiguration, type DefaultedProfile, type SchedulerGates, withDefaults } from './config/defaults.ts'
import { validateConfiguration } from './config/validate.ts'
import { createAssumed } from './cycle/assumed.ts'
import { createDecider } from './cycle/decide.ts'
import type { Cluster } from './cycle/framework.ts'
import { createLoop, type Deciding } from './cycle/loop.ts'
import { createSettle } from './cycle/settle.ts'
import { writeStatus } from './cycle/status.ts'
import { createTeller } from './cycle/tell.ts'
import { createWaitingRoom } from './cycle/waiting-pods.ts'
import { createExtender } from './extender/extender.ts'
import { follow, storage } from './follow.ts'
import { createSchedulerMetrics } from './metrics/scheduler-metrics.ts'
import { createEvict } from './preempt/evict.ts'
import { createEvictions } from './preempt/evictions.ts'
import { createNominations } from './preempt/nominations.ts'
import type { PluginHandle, PluginRegistry } from './profile/handle.ts'
import { inTreePlugins } from './profile/in-tree.ts'
import { createProfile } from './profile/profile.ts'
import { createSchedulingQueue } from './queue/scheduling-queue.ts'
import type { PodInfo } from './snapshot/pod-info.ts'
import { createSnapshot } from './snapshot/snapshot.ts'

export interface SchedulerOptions {
  readonly client: Client
  /** Shared with the rest of the process; the scheduler opens the views that it needs. */
  readonly views: Views
  readonly env: Env
  /** Absent: upstream's default profile alone. Not defaulted or checked yet. */
  readonly configuration?: SchedulerConfiguration
  /** Which features are on; absent: those of 1.33. */
  readonly gates?: SchedulerGates
  /** Plugins out of the tree by name, which profiles may then enable. */
  readonly plugins?: PluginRegistry
  /** For the events of all profiles. Absent: one a profile, by its name. */
  readonly recorder?: EventRecorder
}
export interface Scheduler {
  /** What is counted, for a scraper. */
  metrics(): readonly Family[]
  /** Takes no more pods; resolves when what is in flight is written. */
  stop(): Promise<void>
}

/** Fills in defaults and checks. Throws with all that is wrong, in upstream's words. */
export const completeConfiguration = (given: Partial<SchedulerConfiguration> = {}, gates: SchedulerGates = {}): DefaultedConfiguration => {
  const config = withDefaults({ apiVersion: configVersion, kind: 'KubeSchedulerConfiguration', ...given }, gates)
  const faults = validateConfiguration(config, gates)
  if (faults.length > 0) throw new Error(summariseErrors(faults))
  return config
}

/** Starts to schedule once the views it needs are synced. Throws where the configuration does not hold together. */
export const startScheduler = async (options: SchedulerOptions): Promise<Scheduler> => {
  const { client, views, env } = options
  const config = completeConfiguration(options.configuration, options.gates)
  const stopping = new AbortController()
  const needed = [node, pods, namespace, service, replicaSet, replicationController, statefulSet, podDisruptionBudget, ...storage]
  const snapshot = createSnapshot()
  const cluster: Cluster = { snapshot, views, env }
  const nominations = createNominations(snapshot.touch)
  const evictions = createEvictions()
  const metrics = createSchedulerMetrics()
  const waitingRoom = createWaitingRoom(env)
  const extenders = (config.extenders ?? []).map((each) => createExtender(each, env))
  const profileParts = {
    ...{ client, views, env, stopping: stopping.signal, cluster, nominations, evictions, extenders, metrics, waitingPods: waitingRoom },
    happened: (event: Parameters<PluginHandle['happened']>[0]) => queue.happened(event),
    activate: (uids: readonly string[]) => queue.activate(uids),
  }
  const profiles = createProfiles(config, options, profileParts)
  await Promise.all(needed.map((resource) => views.view(resource as Resource).synced))

  const assumed = createAssumed(snapshot)
  const profileOf = ({ pod }: PodInfo) => profiles.get(pod.spec.schedulerName ?? 'default-scheduler')?.profile
  const [first] = profiles.values()
  const queue = createSchedulingQueue(env, {
    initialBackoffMs: config.podInitialBackoffSeconds * 1000,
    maxBackoffMs: config.podMaxBackoffSeconds * 1000,
    // Validated to be one for all profiles.
    goesFirst: first?.profile.queueSort.goesFirst ?? (() => false),
    wake: () => loop.wake(),
    reacts: (name, on, pod) => profileOf(pod)?.byName.get(name)?.reactsTo?.includes(on) ?? true,
    hint: (name, event, pod) => profileOf(pod)?.byName.get(name)?.hint?.(event, pod, cluster) ?? true,
    mayHelpItself: (name, changes, pod) => {
      const helpful = profileOf(pod)?.byName.get(name)?.ownChanges
      return !helpful || changes.some((each) => helpful.includes(each))
    },
    blockedBy: (pod) => {
      for (const plugin of profileOf(pod)?.preEnqueue ?? []) {
        const message = plugin.preEnqueue?.(pod)
        if (message === undefined) continue
        if (plugin.name === 'SchedulingGates') tellGated(options, pod, message)
        return plugin.name
      }
      return undefined
    },
    entered: metrics.entered,
  })
  const inFlight = new Set<Promise<void>>()
  const track = (work: Promise<void>): void => {
    const tracked = work.catch((error) => env.log.error('scheduling', { error: String(error) })).finally(() => inFlight.delete(tracked))
    inFlight.add(tracked)
  }
  const teller = createTeller(client, env, track)
  const settle = createSettle({ cluster, queue, assumed, nominations, waitingRoom, teller, extenders, metrics, track })
  const evict = createEvict({ client, env, waitingPods: waitingRoom, evictions })
  const loop = createLoop({ cluster, profiles, queue, nominations, extenders, metrics, teller, settle, evict, track })
  metrics.observe({
    pending: queue.pending,
    binding: () => inFlight.size,
    cache: () => ({ nodes: snapshot.nodeCount, pods: snapshot.podCount(), assumedPods: assumed.size }),
  })
  const unfollow = follow({
    views,
    snapshot,
    queue,
    assumed,
    nominations,
    waitingPods: waitingRoom,
    schedules: (name) => profiles.has(name),
  })
  return {
    metrics: metrics.families,
    stop: async () => {
      stopping.abort()
      unfollow()
      queue.close()
      loop.stop()
      waitingRoom.close()
      while (inFlight.size > 0) await Promise.all(inFlight)
      for (const extender of extenders) extender.close()
      if (!options.recorder) await Promise.all([...profiles.values()].map(({ recorder }) => recorder.close()))
    },
  }
}

/** Written here and not by the API server: what is gated is this configuration's matter. */
const tellGated = ({ client, env }: SchedulerOptions, { pod }: PodInfo, message: string): void => {
  const condition = { type: 'PodScheduled', status: 'False' as const, reason: 'SchedulingGated', message }
  writeStatus(client, env, pod, { condition }).catch((error) => {
    if (!isRefusal(error, 404)) env.log.warn('status of a gated pod', { pod: pod.metadata.name, error: String(error) })
  })
}

/** As upstream: the events of a profile say its name, and on which machine it ran. */
const reporterOf = (schedulerName: string) => ({ controller: schedulerName, instance: `${schedulerName}-${hostname()}` })

const createProfiles = (
  config: DefaultedConfiguration,
  { client, env, recorder, plugins }: SchedulerOptions,
  parts: Omit<PluginHandle, 'fits' | 'trial'>,
): ReadonlyMap<string, Deciding> => {
  const profiles = new Map<string, Deciding>()
  for (const each of config.profiles) {
    try {
      const profile = createProfileWith(each, config, plugins ?? {}, parts)
      const speaker = recorder ?? createSeriesRecorder(client, env, reporterOf(each.schedulerName))
      profiles.set(each.schedulerName, { ...profile, recorder: speaker })
    } catch (error) {
      throw new Error(`initializing profiles: creating profile for scheduler name ${each.schedulerName}: ${(error as Error).message}`)
    }
  }
  return profiles
}

const createProfileWith = (
  each: DefaultedProfile,
  config: DefaultedConfiguration,
  outOfTree: PluginRegistry,
  parts: Omit<PluginHandle, 'fits' | 'trial'>,
): Omit<Deciding, 'recorder'> => {
  const handle: PluginHandle = { ...parts, fits: (pod, slot) => decider.fits(pod, slot), trial: (pod) => decider.trial(pod) }
  const { percentageOfNodesToScore } = config
  const told = leavingToExtenders(each, config.extenders ?? [])
  const profile = createProfile(told, { inTree: inTreePlugins, outOfTree, handle, percentageOfNodesToScore })
  const compares = parts.extenders.some(({ filters, prioritizes }) => filters || prioritizes)
  const decider = createDecider(profile, parts.cluster, parts.nominations, parts.metrics, compares)
  return { profile, decider }
}

/** Resources that extenders look after are none of NodeResourcesFit's. */
const leavingToExtenders = (profile: DefaultedProfile, extenders: readonly ExtenderConfig[]): DefaultedProfile => {
  const left = extenders.flatMap(({ managedResources = [] }) =>
    managedResources.filter((each) => each.ignoredByScheduler).map(({ name }) => name),
  )
  if (left.length === 0) return profile
  const pluginConfig = profile.pluginConfig.map((each) => {
    if (each.name !== 'NodeResourcesFit') return each
    const args = each.args as { readonly ignoredResources?: readonly string[] }
    return { ...each, args: { ...args, ignoredResources: [...(args.ignoredResources ?? []), ...left] } }
  })
  return { ...profile, pluginConfig }
}
