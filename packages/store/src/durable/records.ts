/**
 * Many records in one buffer: what crosses between the threads, so that a batch costs one message and no cloning of small objects.
 * A record is a header of 40 bytes, then the key in UTF-8, the value, and the value it replaced.
 *
 *   0 key bytes · 4 value bytes · 8 previous value's bytes (u32; ABSENT where there is none) · 16 revision · 24 created · 32 previous (f64)
 */
const HEADER_BYTES = 40
const ABSENT = 0xffffffff

export interface Packed {
  readonly bytes: ArrayBuffer
  readonly length: number
  readonly count: number
}

export interface Packer {
  readonly count: number
  readonly length: number
  add(
    key: string | Uint8Array,
    revision: number,
    created: number,
    previous: number,
    value: Uint8Array | null,
    previousValue: Uint8Array | null,
  ): void
  /** Hands the buffer over; the packer is not used again. */
  take(): Packed
  /** A copy of exactly what is packed; the packer is empty again and keeps its buffer. */
  copy(): Packed
  clear(): void
}

/** `bytes` is the buffer to begin with; it is replaced by a bigger one when it is full. */
export const packer = (bytes: ArrayBuffer): Packer => {
  let buffer = Buffer.from(bytes)
  let view = new DataView(bytes)
  let length = 0
  let count = 0

  const grow = (needed: number) => {
    const larger = Buffer.from(new ArrayBuffer(Math.max(needed, 2 * buffer.length)))
    larger.set(buffer.subarray(0, length))
    buffer = larger
    view = new DataView(larger.buffer)
  }

  const clear = () => {
    length = 0
    count = 0
  }

  return {
    get count() {
      return count
    },
    get length() {
      return length
    },
    add: (key, revision, created, previous, value, previousValue) => {
      // A UTF-16 unit needs three bytes of UTF-8 at most.
      const needed = length + HEADER_BYTES + key.length * 3 + (value?.length ?? 0) + (previousValue?.length ?? 0)
      if (needed > buffer.length) grow(needed)
      const start = length + HEADER_BYTES
      let end = start + (typeof key === 'string' ? buffer.write(key, start) : copied(buffer, key, start))
      view.setUint32(length, end - start, true)
      view.setUint32(length + 4, value === null ? ABSENT : value.length, true)
      view.setUint32(length + 8, previousValue === null ? ABSENT : previousValue.length, true)
      view.setFloat64(length + 16, revision, true)
      view.setFloat64(length + 24, created, true)
      view.setFloat64(length + 32, previous, true)
      if (value !== null) end += copied(buffer, value, end)
      if (previousValue !== null) end += copied(buffer, previousValue, end)
      length = end
      count += 1
    },
    take: () => ({ bytes: buffer.buffer as ArrayBuffer, length, count }),
    copy: () => {
      // Not zeroed and not from the pool: it is filled at once and transferred whole.
      const exact = Buffer.allocUnsafeSlow(length)
      exact.set(buffer.subarray(0, length))
      const packed = { bytes: exact.buffer as ArrayBuffer, length, count }
      clear()
      return packed
    },
    clear,
  }
}

const copied = (into: Buffer, from: Uint8Array, at: number): number => {
  into.set(from, at)
  return from.length
}

/** Reads records one after the other; `next` moves on. Keys and values are views of the buffer and keep all of it alive. */
export interface Unpacker {
  next(): boolean
  key(): string
  keyBytes(): Uint8Array
  revision(): number
  created(): number
  previous(): number
  value(): Uint8Array | null
  previousValue(): Uint8Array | null
}

export const unpacker = ({ bytes, count }: Pick<Packed, 'bytes' | 'count'>): Unpacker => {
  const buffer = Buffer.from(bytes)
  const view = new DataView(bytes)
  let left = count
  let at = 0
  let end = 0
  let keyLength = 0
  let valueLength = 0
  let previousLength = 0
  const part = (start: number, length: number) => (length === ABSENT ? null : new Uint8Array(bytes, start, length))
  const valueAt = () => at + HEADER_BYTES + keyLength

  return {
    next: () => {
      if (left === 0) return false
      left -= 1
      at = end
      keyLength = view.getUint32(at, true)
      valueLength = view.getUint32(at + 4, true)
      previousLength = view.getUint32(at + 8, true)
      end = valueAt() + present(valueLength) + present(previousLength)
      return true
    },
    key: () => buffer.toString('utf8', at + HEADER_BYTES, valueAt()),
    keyBytes: () => new Uint8Array(bytes, at + HEADER_BYTES, keyLength),
    revision: () => view.getFloat64(at + 16, true),
    created: () => view.getFloat64(at + 24, true),
    previous: () => view.getFloat64(at + 32, true),
    value: () => part(valueAt(), valueLength),
    previousValue: () => part(valueAt() + present(valueLength), previousLength),
  }
}

const present = (length: number): number => (length === ABSENT ? 0 : length)
