/** One container of a pod as the runtime shows it, with times in milliseconds (0: has not happened). */
export interface SeenContainer {
  readonly id: string
  readonly sandboxId: string
  readonly name: string
  readonly restartCount: number
  /** Of the spec it was made from; empty when its annotation is missing. */
  readonly hash: string
  readonly state: 'created' | 'running' | 'exited' | 'unknown'
  readonly createdMs: number
  readonly startedMs: number
  readonly finishedMs: number
  readonly exitCode: number
  readonly reason: string
  /** The runtime's message with the container's termination message. */
  readonly message: string
  readonly image: string
  readonly imageId: string
}

export interface SeenSandbox {
  readonly id: string
  readonly attempt: number
  readonly ready: boolean
  readonly createdMs: number
  /** Primary first; empty with the host's network. */
  readonly ips: readonly string[]
  readonly network: 'pod' | 'node'
}

/** All that the runtime holds of one pod, newest first in both lists. */
export interface SeenPod {
  readonly sandboxes: readonly SeenSandbox[]
  readonly containers: readonly SeenContainer[]
}

export const nothingSeen: SeenPod = { sandboxes: [], containers: [] }

/** The newest instance of a container. */
export const newest = (seen: SeenPod, name: string): SeenContainer | undefined =>
  seen.containers.find((container) => container.name === name)

/** May still be running: unknown ones are stopped before they are trusted to be dead. */
export const isAlive = (container: SeenContainer): boolean => container.state === 'running' || container.state === 'unknown'

/** Ended badly, or so that nobody knows how. */
export const hasFailed = (container: SeenContainer): boolean =>
  (container.state === 'exited' && container.exitCode !== 0) || container.state === 'unknown'
