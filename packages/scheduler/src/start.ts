import {
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  podDisruptionBudget,
  pod as pods,
  replicaSet,
  replicationController,
  service,
  statefulSet,
  storageClass,
} from '@skiff/api'
import { type Client, createRecorder, type EventRecorder, type Views } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import { createAssumed } from './cycle/assumed.ts'
import { createDecider } from './cycle/decide.ts'
import type { Cluster, Plugin } from './cycle/framework.ts'
import { createLoop } from './cycle/loop.ts'
import { writeStatus } from './cycle/status.ts'
import { follow } from './follow.ts'
import { defaultPlugins } from './plugins/default-plugins.ts'
import { createBindVolumes } from './plugins/volume-writes.ts'
import { createEvict } from './preempt/evict.ts'
import { createNominations } from './preempt/nominations.ts'
import { createPreempt } from './preempt/preempt.ts'
import { createSchedulingQueue } from './queue/scheduling-queue.ts'
import { createSnapshot } from './snapshot/snapshot.ts'

export interface SchedulerOptions {
  readonly client: Client
  /** Shared with the rest of the process; the scheduler opens the views that it needs. */
  readonly views: Views
  readonly env: Env
  /** Pods that name another scheduler are left alone. */
  readonly schedulerName?: string
  readonly recorder?: EventRecorder
  /** Instead of upstream's default profile. */
  readonly plugins?: readonly Plugin[]
}
export interface Scheduler {
  /** Takes no more pods; resolves when what is in flight is written. */
  stop(): Promise<void>
}

/** Starts to schedule once the views it needs are synced. */
export const startScheduler = async (options: SchedulerOptions): Promise<Scheduler> => {
  const { client, views, env, schedulerName = 'default-scheduler' } = options
  const stopping = new AbortController()
  const plugins = options.plugins ?? defaultPlugins(createBindVolumes(client, views, env, stopping.signal))
  const recorder = options.recorder ?? createRecorder(client, env, { component: schedulerName })
  const needed = [
    ...[node, pods, namespace, service, replicaSet, replicationController, statefulSet],
    ...[persistentVolume, persistentVolumeClaim, storageClass, podDisruptionBudget],
  ]
  await Promise.all(needed.map((resource) => views.view(resource as typeof node).synced))

  const snapshot = createSnapshot()
  const cluster: Cluster = { snapshot, views, env }
  const nominations = createNominations()
  const assumed = createAssumed(env, snapshot)
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  const queue = createSchedulingQueue(env, {
    wake: () => loop.wake(),
    reacts: (name, on) => byName.get(name)?.reactsTo?.includes(on) ?? true,
    hint: (name, event, pod) => byName.get(name)?.hint?.(event, pod, cluster) ?? true,
  })
  const decider = createDecider(plugins, cluster, nominations)
  const preempt = createPreempt({ cluster, nominations, fits: decider.fits })
  const evict = createEvict({ client, env, recorder, schedulerName })
  const loop = createLoop({ stopping: stopping.signal, client, cluster, recorder, queue, decider, assumed, nominations, preempt, evict })
  const unfollow = follow({
    views,
    snapshot,
    queue,
    assumed,
    nominations,
    schedulerName,
    gated: (pod, message) => {
      const condition = { type: 'PodScheduled', status: 'False' as const, reason: 'SchedulingGated', message }
      writeStatus(client, env, pod, { condition }).catch((error) => {
        if (!isRefusal(error, 404)) env.log.warn('status of a gated pod', { pod: pod.metadata.name, error: String(error) })
      })
    },
  })
  return {
    stop: async () => {
      stopping.abort()
      unfollow()
      queue.close()
      assumed.close()
      await loop.stop()
      if (!options.recorder) await recorder.close()
    },
  }
}
