import type { ClusterEvent } from '../cycle/framework.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { Waiting } from './waiting.ts'

/** A pod that waits to be scheduled. Owned by the queue, which replaces `pod` as the object changes. */
export interface QueuedPod extends Waiting {
  pod: PodInfo
  attempts: number
  /** When it entered the active queue, or last failed: backoff counts from here. */
  sinceMs: number
  /** When it was first here, gates taken away: what its whole wait counts from. */
  firstMs: number
  readonly sequence: number
  /** Plugins that refused it last time: only what they react to brings it back. Empty: anything does. */
  refusedBy: ReadonlySet<string>
  /** The plugin in `refusedBy` does not let it into the active queue, not even for a first try. */
  gated: boolean
  /** The API server failed, not the fit: no shortcut past the backoff. */
  failed: boolean
  /** What happened since it was popped, while others still decide on it; see `SchedulingQueue.detain`. */
  missed: ClusterEvent[] | undefined
  /** Somebody wanted it tried again while others decided on it. */
  activated?: boolean
}
