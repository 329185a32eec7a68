import type { Duplex } from 'node:stream'

/**
 * What has arrived for a stream and was not asked for yet. A Readable's own buffer cannot do this: it asks again while it is
 * below its mark, read or not, so it never tells what its reader has really taken.
 */
export interface Inbox {
  readonly bytes: () => number
  put(chunk: Buffer): void
  /** Nothing more comes. */
  end(): void
  /** The Readable asks: hand it what there is. */
  pump(): void
  /** Nobody will read it: as if it were taken. */
  clear(): void
}

/** Small chunks are joined up to this, so that a flood of tiny frames does not cost an object each. */
const joinBytes = 4_096

/** Feeds `duplex()`; `taken` hears how many bytes have left the box. */
export const createInbox = (duplex: () => Duplex, taken: (bytes: number) => void): Inbox => {
  const chunks: Buffer[] = []
  let waitingBytes = 0
  let wanted = true
  let ended = false
  const flush = (): void => {
    while (wanted && chunks.length > 0) {
      const chunk = chunks.shift() as Buffer
      waitingBytes -= chunk.length
      wanted = duplex().push(chunk)
      taken(chunk.length)
    }
    if (ended && chunks.length === 0) {
      ended = false
      duplex().push(null)
    }
  }
  return {
    bytes: () => waitingBytes,
    put(chunk) {
      const last = chunks.at(-1)
      if (last !== undefined && last.length + chunk.length <= joinBytes) chunks[chunks.length - 1] = Buffer.concat([last, chunk])
      else chunks.push(chunk)
      waitingBytes += chunk.length
      flush()
    },
    end() {
      ended = true
      flush()
    },
    pump() {
      wanted = true
      flush()
    },
    clear() {
      const bytes = waitingBytes
      chunks.length = 0
      waitingBytes = 0
      ended = false
      if (bytes > 0) taken(bytes)
    },
  }
}
