import type { Container, ContainerStatus, Pod } from '@skiff/api'
import { isSidecar } from './restart.ts'

export type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

type Standing = 'unknown' | 'running' | 'waiting' | 'stopped' | 'succeeded'

/** What counts of a container: one that waits to run again counts as stopped. */
const standing = (status: ContainerStatus | undefined): Standing => {
  if (status?.state?.running) return 'running'
  if (status?.state?.terminated) return status.state.terminated.exitCode === 0 ? 'succeeded' : 'stopped'
  if (status?.state?.waiting) return status.lastState?.terminated ? 'stopped' : 'waiting'
  return 'unknown'
}

const find = (statuses: readonly ContainerStatus[], { name }: Container) => statuses.find((status) => status.name === name)

/** Any container of the pod proper has run: it was initialised once. */
export const hasRun = (pod: Pod, statuses: readonly ContainerStatus[]): boolean =>
  pod.spec.containers.some((container) => {
    const status = find(statuses, container)
    return status?.started === true || status?.state?.terminated?.startedAt !== undefined || status?.lastState?.terminated !== undefined
  })

/** The phase by the statuses of its containers, before any rule about which phase may follow which. `ending`: nothing restarts. */
export const phaseOf = (pod: Pod, inits: readonly ContainerStatus[], mains: readonly ContainerStatus[], ending: boolean): Phase => {
  const once = (pod.spec.initContainers ?? []).filter((container) => !isSidecar(container)).map((container) => find(inits, container))
  const failed = once.some((status) => (status?.state?.terminated ?? (status?.state?.waiting && status.lastState?.terminated))?.exitCode)
  if (failed && pod.spec.restartPolicy === 'Never') return 'Failed'

  const pendingOnce = once.some((status) => ['unknown', 'running', 'waiting'].includes(standing(status)))
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map((container) => find(inits, container))
  const pendingSidecar = sidecars.some(
    (status) => (standing(status) === 'running' && status?.started !== true) || ['waiting', 'unknown'].includes(standing(status)),
  )
  const counted: Standing[] = [
    // Ended sidecars do not count.
    ...sidecars.map(standing).filter((one) => one !== 'stopped' && one !== 'succeeded'),
    ...pod.spec.containers.map((container) => standing(find(mains, container))),
  ]
  const has = (one: Standing) => counted.includes(one)
  if (pendingOnce || (pendingSidecar && !hasRun(pod, mains)) || has('waiting')) return 'Pending'
  if (has('unknown')) return 'Pending'
  if (has('running')) return 'Running'
  return stoppedPhase(pod, mains, ending)
}

const stoppedPhase = (pod: Pod, mains: readonly ContainerStatus[], ending: boolean): Phase => {
  const allSucceeded = mains.every((status) => status.state?.terminated?.exitCode === 0)
  if (ending) return allSucceeded ? 'Succeeded' : 'Failed'
  if (pod.spec.restartPolicy !== 'Never' && pod.spec.restartPolicy !== 'OnFailure') return 'Running'
  if (allSucceeded) return 'Succeeded'
  return pod.spec.restartPolicy === 'Never' ? 'Failed' : 'Running'
}
