import type { Pending } from './ledger.ts'
import type { Batch } from './protocol.ts'
import { type Packer, packer } from './records.ts'

/** A batch takes the next write while it is smaller than this: what the other thread writes in a few milliseconds. */
const BATCH_WRITES = 512
const BATCH_BYTES = 1024 * 1024
/** Buffers kept for use again: one under way, one being filled. */
const SPARES = 2
const BUFFER_BYTES = 256 * 1024
const LARGEST_SPARE_BYTES = 4 * BUFFER_BYTES
const NONE = new Uint8Array(0)

interface Gathering {
  readonly writes: Pending[]
  readonly records: Packer
}

/** Gathers pending writes into batches. One batch is under way at a time; the next one gathers meanwhile. */
export interface Outbox {
  add(pending: Pending): void
  /** The batch under way is durable; returns its writes. The next one goes out. */
  delivered(spare: ArrayBuffer): readonly Pending[]
  /** Everything not durable, in revision order; the outbox is empty then. */
  drop(): readonly Pending[]
  empty(): boolean
}

export const outbox = (options: { readonly send: (batch: Batch) => void; readonly wantPrevious: () => boolean }): Outbox => {
  const spares: ArrayBuffer[] = []
  let full: Gathering[] = []
  let gathering: Gathering | undefined
  let underWay: readonly Pending[] | undefined
  let scheduled = false

  const flush = () => {
    scheduled = false
    if (underWay) return
    const next = full.shift() ?? gathering
    if (!next) return
    if (next === gathering) gathering = undefined
    underWay = next.writes
    options.send({ do: 'batch', records: next.records.take(), wantPrevious: options.wantPrevious() })
  }

  /** Writes that come in the same turn of the event loop go out together. */
  const schedule = () => {
    if (scheduled || underWay) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    add: (pending) => {
      gathering ??= { writes: [], records: packer(spares.pop() ?? new ArrayBuffer(BUFFER_BYTES)) }
      gathering.writes.push(pending)
      pack(pending, gathering.records)
      if (gathering.writes.length === BATCH_WRITES || gathering.records.length >= BATCH_BYTES) {
        full.push(gathering)
        gathering = undefined
      }
      schedule()
    },
    delivered: (spare) => {
      if (spares.length < SPARES && spare.byteLength <= LARGEST_SPARE_BYTES) spares.push(spare)
      const writes = underWay ?? []
      underWay = undefined
      if (full.length > 0 || gathering) schedule()
      return writes
    },
    drop: () => {
      const all = [...(underWay ?? []), ...full.flatMap(({ writes }) => writes), ...(gathering?.writes ?? [])]
      underWay = undefined
      gathering = undefined
      full = []
      return all
    },
    empty: () => !underWay && full.length === 0 && !gathering,
  }
}

/** An empty previous value asks the worker for it, should anyone watch. */
const pack = ({ write, revision, created, before, beforeValue }: Pending, records: Packer) => {
  const previous = before && before.created > 0 ? before.revision : 0
  const asks = previous > 0 && beforeValue === undefined
  records.add(write.key, revision, created, previous, write.value, asks ? NONE : null)
}

/** Whether the worker sends back what this write replaced; it does so in the order of the writes. */
export const asksPrevious = ({ before, beforeValue }: Pending): boolean =>
  before !== undefined && before.created > 0 && beforeValue === undefined
