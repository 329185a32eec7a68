import type { PriorityLevelConfigurationSpec } from '@skiff/api'
import { createQueueSet, type QueueSet, type Queuing } from './queues.ts'
import type { Seats } from './seats.ts'

/** One priority level as the gate has it. It outlives changes of its object, since requests hold its seats. */
export interface Level {
  readonly name: string
  uid: string
  exempt: boolean
  seats: Seats
  /** Where there is no free seat: refuse at once. */
  rejects: boolean
  queuing: Queuing
  queues: QueueSet
  inUse: number
  /** Work done, over the level's share: who has had least of it is served next. */
  served: number
}

/** A level without queues of its own still waits its turn where the processor is what lacks. */
const plainQueuing: Queuing = { queues: 64, handSize: 4, queueLengthLimit: 50 }
const noSeats: Seats = { nominal: 0, kept: 0, most: 0 }

export const createLevel = (name: string): Level => ({
  name,
  uid: '',
  exempt: false,
  seats: noSeats,
  rejects: false,
  queuing: plainQueuing,
  queues: createQueueSet(plainQueuing),
  inUse: 0,
  served: 0,
})

/** Takes over what the object says. Queues change their form once nobody waits in them. */
export const configureLevel = (level: Level, { type, limited }: PriorityLevelConfigurationSpec, uid: string, seats: Seats): void => {
  const given = limited?.limitResponse?.queuing
  level.uid = uid
  level.exempt = type === 'Exempt'
  level.seats = seats
  level.rejects = limited?.limitResponse?.type === 'Reject'
  level.queuing = given
    ? { queues: given.queues ?? 64, handSize: given.handSize ?? 8, queueLengthLimit: given.queueLengthLimit ?? 50 }
    : plainQueuing
}

/** The level's queues, in the form that its object asks for as soon as that can be. */
export const queuesOf = (level: Level): QueueSet => {
  if (level.queues.queuing !== level.queuing && level.queues.length === 0) level.queues = createQueueSet(level.queuing)
  return level.queues
}
