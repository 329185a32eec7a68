import type { Pod, PodStatus } from '@skiff/api'
import { rfc3339 } from '@skiff/machinery'
import { conditionsOf, observed } from './conditions.ts'
import { containerStatuses } from './container-status.ts'
import type { PodMemory } from './memory.ts'
import { type Phase, phaseOf } from './phase.ts'
import { qosOf } from './qos.ts'
import { isAlive, type SeenPod } from './seen.ts'

/** What pod status says of the node itself. */
export interface NodeFacts {
  /** Internal addresses, primary first. */
  readonly hostIps: readonly string[]
  /** As in `containerd://…`. */
  readonly runtimeName: string
}

/**
 * The status of a pod as the kubelet of 1.33 sets it. Pure. What `seen` no longer shows is taken from the status that was
 * written last: `memory.status`, or the object's own.
 */
export const statusOf = (pod: Pod, seen: SeenPod, memory: PodMemory, node: NodeFacts, nowMs: number): PodStatus => {
  const old = memory.status ?? pod.status
  const inits = containerStatuses(pod, 'init', seen, memory, old?.initContainerStatuses, node.runtimeName)
  const mains = containerStatuses(pod, 'main', seen, memory, old?.containerStatuses, node.runtimeName)
  const ephemeral = containerStatuses(pod, 'ephemeral', seen, memory, old?.ephemeralContainerStatuses, node.runtimeName)
  const { phase, told, reason, message } = phaseWithRules(pod, seen, memory, phaseOf(pod, inits, mains, isEnding(pod, memory)))
  const ips = podIps(pod, seen, old, node)
  const nominated = pod.status?.nominatedNodeName
  return {
    ...observed(pod),
    phase: told,
    // Readiness ends with the decision to end, not only once the last container has.
    conditions: conditionsOf(pod, seen, inits, mains, phase, old?.conditions, nowMs),
    ...(message !== undefined ? { message } : {}),
    ...(reason !== undefined ? { reason } : {}),
    ...(nominated !== undefined ? { nominatedNodeName: nominated } : {}),
    ...(node.hostIps[0] !== undefined ? { hostIP: node.hostIps[0], hostIPs: node.hostIps.map((ip) => ({ ip })) } : {}),
    ...(ips[0] !== undefined ? { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } : {}),
    startTime: old?.startTime ?? rfc3339(nowMs),
    ...(inits.length > 0 ? { initContainerStatuses: inits } : {}),
    ...(mains.length > 0 ? { containerStatuses: mains } : {}),
    qosClass: qosOf(pod),
    ...(ephemeral.length > 0 ? { ephemeralContainerStatuses: ephemeral } : {}),
    ...(pod.status?.resourceClaimStatuses ? { resourceClaimStatuses: pod.status.resourceClaimStatuses } : {}),
  }
}

const isEnding = (pod: Pod, memory: PodMemory): boolean => memory.ending !== undefined || pod.metadata.deletionTimestamp !== undefined

interface PhaseVerdict {
  readonly phase: Phase
  /** What users are told. */
  readonly told: Phase
  readonly reason?: string
  readonly message?: string
}

/** A terminal phase is final, and is told only once nothing runs any more. */
const phaseWithRules = (pod: Pod, seen: SeenPod, memory: PodMemory, computed: Phase): PhaseVerdict => {
  const old = memory.status ?? pod.status
  if (old?.phase === 'Succeeded' || old?.phase === 'Failed') {
    return { phase: old.phase, told: old.phase, ...texts(old) }
  }
  const phase = memory.ending ? 'Failed' : computed
  const { reason, message } = memory.ending ?? {}
  if ((phase === 'Failed' || phase === 'Succeeded') && seen.containers.some(isAlive)) {
    const told = old?.phase === 'Running' || old?.phase === 'Pending' ? old.phase : 'Running'
    return { phase, told, ...texts(old) }
  }
  return { phase, told: phase, ...texts({ reason, message }) }
}

const texts = (status: { reason?: string | undefined; message?: string | undefined } | undefined) => ({
  ...(status?.reason !== undefined ? { reason: status.reason } : {}),
  ...(status?.message !== undefined ? { message: status.message } : {}),
})

/** The newest sandbox's addresses while it is ready, else those last known: a pod that has ended still shows its own. */
const podIps = (pod: Pod, seen: SeenPod, old: PodStatus | undefined, node: NodeFacts): readonly string[] => {
  if (pod.spec.hostNetwork) return node.hostIps
  const [sandbox] = seen.sandboxes
  return sandbox?.ready ? sandbox.ips : (old?.podIPs ?? []).map(({ ip }) => ip)
}
