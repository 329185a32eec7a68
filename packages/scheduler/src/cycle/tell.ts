import type { Client } from '@skiff/client'
import { type Env, isRefusal } from '@skiff/machinery'
import type { Speaking } from '../profile/profile.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import { inTurn } from './in-turn.ts'
import { writeStatus } from './status.ts'

/** What a pod is told that was not placed. */
export interface Telling {
  readonly reason: 'Unschedulable' | 'SchedulerError'
  readonly message: string
  /** '' clears it, undefined leaves it. */
  readonly nominatedNodeName: string | undefined
}

/** Writes conditions and events of pods that were not placed, those of one pod in order. */
export interface Teller {
  tell(pod: PodInfo, by: Speaking, telling: Telling): void
  /** What is still to be written for a pod: an older "Unschedulable" must not arrive after its binding. */
  before(uid: string): Promise<void> | undefined
}

const maxInFlight = 512

// Upstream's: what the note of an event may hold.
const maxNoteBytes = 1024
const shortened = (message: string): string => {
  if (message.length <= maxNoteBytes / 4 || Buffer.byteLength(message) <= maxNoteBytes) return message
  return `${Buffer.from(message)
    .subarray(0, maxNoteBytes - 4)
    .toString()
    .replace(/\uFFFD+$/, '')} ...`
}

/** `track` is handed each write that is under way. */
export const createTeller = (client: Client, env: Env, track: (work: Promise<void>) => void): Teller => {
  const takeTurn = inTurn(maxInFlight)
  const tellings = new Map<string, Promise<void>>()
  return {
    before: (uid) => tellings.get(uid),
    tell: ({ pod, key }, { recorder }, { reason, message, nominatedNodeName }) => {
      recorder.event(pod, 'Warning', 'FailedScheduling', shortened(message), { action: 'Scheduling' })
      const condition = { type: 'PodScheduled', status: 'False' as const, reason, message }
      const change = { condition, ...(nominatedNodeName !== undefined ? { nominatedNodeName } : {}) }
      const { uid } = pod.metadata
      const before = tellings.get(uid)
      const write = async () => {
        if (before) await before
        await takeTurn(() => writeStatus(client, env, pod, change))
      }
      const telling = write()
        .catch((error) => {
          // Gone, or another of its name.
          if (!isRefusal(error, 404) && !isRefusal(error, 409)) env.log.warn('status of a pod', { pod: key, error: String(error) })
        })
        .finally(() => {
          if (tellings.get(uid) === telling) tellings.delete(uid)
        })
      tellings.set(uid, telling)
      track(telling)
    },
  }
}
