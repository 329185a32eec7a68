import type { Container, Pod } from '@skiff/api'
import type { PodMemory } from './memory.ts'
import { newest, type SeenPod } from './seen.ts'

/** A restartable init container: it starts in turn with the others and then runs beside the pod's containers. */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const restartsOnFailure = (pod: Pod): boolean => pod.spec.restartPolicy !== 'Never'

/** Whether a container that is not running is to be started (again). */
export const shouldStart = (pod: Pod, container: Container, seen: SeenPod): boolean => {
  if (pod.metadata.deletionTimestamp !== undefined) return false
  const last = newest(seen, container.name)
  if (!last) return true
  if (last.state === 'running') return false
  if (last.state !== 'exited' || isSidecar(container)) return true
  if (pod.spec.restartPolicy === 'Never') return false
  return pod.spec.restartPolicy !== 'OnFailure' || last.exitCode !== 0
}

/** Its phase says that it has ended; no container of it starts again. */
export const isOver = (pod: Pod, memory: PodMemory): boolean => {
  const phase = memory.status?.phase ?? pod.status?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}
