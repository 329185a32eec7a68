import type { Pod } from '@skiff/api'
import type { Stage } from '../stages/stage.ts'
import type { Behaviour } from './behaviour.ts'
import { isReadyStale } from './conditions.ts'
import {
  exited,
  type PodPlace,
  pullMessage,
  restartDelayMs,
  restarted,
  running,
  stopped,
  waiting,
  withConditions,
  withEphemeral,
  withReadiness,
} from './statuses.ts'

/** What the built-in stages ask of the nodes. */
export interface PodSurroundings {
  readonly behaviour: (pod: Pod) => Behaviour
  readonly hostIP: (pod: Pod) => string
  /** The addresses of a pod, taken for it when it has none yet. */
  readonly place: (pod: Pod) => PodPlace
}

const live = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined
const phase = (pod: Pod): string => pod.status?.phase ?? 'Pending'
const isPending = (pod: Pod): boolean => live(pod) && phase(pod) === 'Pending'
const isRunning = (pod: Pod): boolean => live(pod) && phase(pod) === 'Running'
const isOver = (pod: Pod): boolean => phase(pod) === 'Succeeded' || phase(pod) === 'Failed'
const isHeld = (pod: Pod): boolean => (pod.metadata.finalizers ?? []).length > 0
const first = (pod: Pod) => pod.status?.containerStatuses?.[0]
const waitsFor = (pod: Pod): string | undefined => first(pod)?.state?.waiting?.reason
const runs = (pod: Pod): boolean => isRunning(pod) && first(pod)?.state?.running !== undefined

// The kubelet tells at once that a pull failed, and that it waits with the next one.
const pullMs = 1_000
const pullBackOffMs = 20_000
const reconcileMs = 10_000

/** The life of a pod on a simulated node, as far as no file says otherwise. No two of them match one pod, but what debugs it, which comes first. */
export const builtinPodStages = (around: PodSurroundings): readonly Stage<Pod>[] => {
  const { behaviour, hostIP, place } = around
  const starting: Stage<Pod>[] = [
    {
      name: 'pod-create',
      matches: (pod) => isPending(pod) && pod.status?.startTime === undefined && behaviour(pod).startMs > 0 && !behaviour(pod).pullFails,
      next: (pod, nowMs) => ({ status: waiting(pod, hostIP(pod), 'ContainerCreating', undefined, nowMs) }),
    },
    {
      name: 'pod-start',
      matches: (pod) => {
        if (!isPending(pod)) return false
        const { startMs, pullFails } = behaviour(pod)
        return !pullFails && (startMs <= 0 || pod.status?.startTime !== undefined)
      },
      delayMs: (pod) => behaviour(pod).startMs,
      next: (pod, nowMs) => {
        const { readyMs } = behaviour(pod)
        return { status: running(pod, place(pod), readyMs <= 0, nowMs) }
      },
    },
    {
      name: 'pod-ready',
      matches: (pod) => runs(pod) && first(pod)?.ready === false && behaviour(pod).flapMs === undefined,
      delayMs: (pod) => behaviour(pod).readyMs,
      next: (pod, nowMs) => ({ status: withReadiness(pod, true, nowMs) }),
    },
    {
      name: 'pod-gates',
      matches: (pod) => runs(pod) && isReadyStale(pod),
      // The kubelet mends at its own pace what another wrote: at once, it and the node controller would take turns without end.
      delayMs: (pod) => (pod.spec.readinessGates?.length ? 0 : reconcileMs),
      next: (pod, nowMs) => ({ status: withConditions(pod, nowMs) }),
    },
  ]
  const debugging: Stage<Pod> = {
    name: 'pod-ephemeral',
    matches: (pod) => isRunning(pod) && (pod.spec.ephemeralContainers?.length ?? 0) > (pod.status?.ephemeralContainerStatuses?.length ?? 0),
    // Before what else waits for the pod.
    weight: () => 1,
    next: (pod, nowMs) => ({ status: withEphemeral(pod, nowMs) }),
  }
  const ending: Stage<Pod>[] = [
    {
      name: 'pod-complete',
      matches: (pod) => runs(pod) && !isReadyStale(pod) && behaviour(pod).runMs !== undefined && isReadyAsWanted(pod, behaviour(pod)),
      delayMs: (pod) => behaviour(pod).runMs ?? 0,
      next: (pod, nowMs) => ({ status: exited(pod, behaviour(pod), nowMs) }),
    },
    {
      name: 'pod-restart',
      matches: (pod) => isRunning(pod) && waitsFor(pod) === 'CrashLoopBackOff',
      delayMs: restartDelayMs,
      next: (pod, nowMs) => ({
        status: restarted(pod, behaviour(pod), nowMs),
        events: [{ type: 'Warning', reason: 'BackOff', message: backOffMessage(pod) }],
      }),
    },
    {
      name: 'pod-delete',
      // What is left then is for whoever holds a finalizer on it.
      matches: (pod) => !live(pod) && (pod.metadata.deletionGracePeriodSeconds !== 0 || !isHeld(pod) || !isOver(pod)),
      delayMs: (pod) => Math.min(behaviour(pod).stopMs, (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1_000),
      // As the kubelet: whoever holds the pod is told that it has ended. A Job may wait for nothing else.
      next: (pod, nowMs) =>
        isHeld(pod) && !isOver(pod) ? { status: stopped(pod, behaviour(pod), nowMs), delete: true } : { delete: true },
    },
  ]
  return [...starting, debugging, ...ending, ...failing(around)]
}

/** A pod whose run ends is let become ready first, so that one thing follows the other. */
const isReadyAsWanted = (pod: Pod, { flapMs }: Behaviour): boolean => flapMs === undefined && first(pod)?.ready === true

const backOffMessage = (pod: Pod): string => {
  const { name, namespace = '', uid } = pod.metadata
  return `Back-off restarting failed container ${first(pod)?.name ?? ''} in pod ${name}_${namespace}(${uid})`
}

const failing = ({ behaviour, hostIP }: PodSurroundings): readonly Stage<Pod>[] => [
  {
    name: 'pod-image-pull-failed',
    matches: (pod) => isPending(pod) && waitsFor(pod) !== 'ErrImagePull' && behaviour(pod).pullFails,
    delayMs: (pod) => (waitsFor(pod) === 'ImagePullBackOff' ? pullBackOffMs : 0),
    next: (pod, nowMs) => {
      const message = pullMessage(pod, false)
      const text = `Failed to pull image ${JSON.stringify(pod.spec.containers[0]?.image ?? '')}: ${message}`
      return {
        status: waiting(pod, hostIP(pod), 'ErrImagePull', message, nowMs),
        events: [{ type: 'Warning', reason: 'Failed', message: text }],
      }
    },
  },
  {
    name: 'pod-image-pull-back-off',
    matches: (pod) => isPending(pod) && waitsFor(pod) === 'ErrImagePull' && behaviour(pod).pullFails,
    delayMs: () => pullMs,
    next: (pod, nowMs) => ({ status: waiting(pod, hostIP(pod), 'ImagePullBackOff', pullMessage(pod, true), nowMs) }),
  },
  {
    name: 'pod-readiness-flaps',
    matches: (pod) => runs(pod) && !isReadyStale(pod) && behaviour(pod).flapMs !== undefined,
    delayMs: (pod) => behaviour(pod).flapMs ?? 0,
    next: (pod, nowMs) => ({ status: withReadiness(pod, first(pod)?.ready === false, nowMs) }),
  },
]
