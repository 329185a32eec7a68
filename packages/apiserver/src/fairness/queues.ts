import { createHash } from 'node:crypto'

export interface Queuing {
  readonly queues: number
  readonly handSize: number
  readonly queueLengthLimit: number
}

export interface Waiting {
  readonly seats: number
  readonly queue: Queue
  start(): void
}

/** Requests of the flows that share it, first come first served; `served` is how much work the queue has had, in virtual time. */
export interface Queue {
  readonly index: number
  readonly waiting: Waiting[]
  served: number
}

/**
 * The queues of one level: a flow may wait in those of its hand and takes the shortest, and the queue that has had least is served next, so
 * that one flow's flood fills only its own hand.
 */
export interface QueueSet {
  readonly queuing: Queuing
  readonly length: number
  /** The queue for a flow; undefined where it is full. */
  choose(flow: string): Queue | undefined
  put(queue: Queue, waiting: Waiting): void
  /** The next that may go, still in its queue; undefined where nobody waits. */
  peek(): Waiting | undefined
  /** Takes out what `peek` gave. */
  take(waiting: Waiting): void
  /** Adds work that a queue has had. */
  charge(queue: Queue, work: number): void
}

const mostHands = 10_000

export const createQueueSet = (queuing: Queuing): QueueSet => {
  const queues = new Map<number, Queue>()
  const busy = new Set<Queue>()
  const hands = new Map<string, readonly number[]>()
  let virtual = 0
  let length = 0
  const handOf = (flow: string): readonly number[] => {
    const known = hands.get(flow)
    if (known) return known
    if (hands.size >= mostHands) hands.clear()
    const hand = deal(flow, queuing)
    hands.set(flow, hand)
    return hand
  }
  const queueAt = (index: number): Queue => {
    const known = queues.get(index)
    if (known) return known
    const made: Queue = { index, waiting: [], served: 0 }
    queues.set(index, made)
    return made
  }
  return {
    queuing,
    get length() {
      return length
    },
    choose: (flow) => {
      let best: Queue | undefined
      for (const index of handOf(flow)) {
        const queue = queueAt(index)
        if (!best || queue.waiting.length < best.waiting.length) best = queue
      }
      return best && best.waiting.length < queuing.queueLengthLimit ? best : undefined
    },
    put: (queue, waiting) => {
      // A queue that was empty has not saved up the time when it wanted nothing.
      if (queue.waiting.length === 0) queue.served = Math.max(queue.served, virtual)
      queue.waiting.push(waiting)
      busy.add(queue)
      length++
    },
    peek: () => {
      let next: Queue | undefined
      for (const queue of busy) if (!next || queue.served < next.served) next = queue
      return next?.waiting[0]
    },
    take: (waiting) => {
      const { queue } = waiting
      const at = queue.waiting.indexOf(waiting)
      if (at < 0) return
      queue.waiting.splice(at, 1)
      length--
      virtual = Math.max(virtual, queue.served)
      if (queue.waiting.length === 0) busy.delete(queue)
    },
    charge: (queue, work) => {
      queue.served += work
    },
  }
}

/** Upstream's shuffle sharding: a hand of different queues, drawn by the flow's hash. */
const deal = (flow: string, { queues, handSize }: Queuing): readonly number[] => {
  let rest = createHash('sha256').update(flow).digest().readBigUInt64LE()
  const hand: number[] = []
  for (let at = 0; at < Math.min(handSize, queues); at++) {
    const left = BigInt(queues - at)
    let card = Number(rest % left)
    rest /= left
    // Cards that were dealt are skipped: the nth of those that are left.
    for (const dealt of [...hand].sort((a, b) => a - b)) if (dealt <= card) card++
    hand.push(card)
  }
  return hand
}
