/**
 * The bytes of one value at a time, written by `begin`, any of the others, and `end`, without a string in between. Values lie next to each
 * other in slabs: they live for some milliseconds, kept apart from what lives long.
 */
const slabBytes = 256 * 1024
const none = Buffer.allocUnsafeSlow(0)
let slab = none
let start = 0
let at = 0

/** Starts a value; what an encoder that failed wrote before is forgotten. */
export const begin = (): void => {
  at = start
}

/** The value since `begin`. The slab goes on behind it. */
export const end = (): Buffer => {
  const value = slab.subarray(start, at)
  start = at
  // One that a large value made goes with it.
  if (slab.length > slabBytes) {
    slab = none
    start = 0
    at = 0
  }
  return value
}

/** How many bytes the value has so far. */
export const length = (): number => at - start

const makeRoom = (bytes: number): void => {
  const next = Buffer.allocUnsafeSlow(Math.max(slabBytes, 2 * (at - start + bytes)))
  slab.copy(next, 0, start, at)
  slab = next
  at -= start
  start = 0
}

export const byte = (value: number): void => {
  if (slab.length === at) makeRoom(1)
  slab[at++] = value
}

/** Text of ASCII alone. */
export const ascii = (value: string): void => {
  const { length } = value
  if (slab.length - at < length) makeRoom(length)
  for (let index = 0; index < length; index++) slab[at + index] = value.charCodeAt(index)
  at += length
}

const longText = 4096

/** Any text, in UTF-8. */
export const text = (value: string): void => {
  // A UTF-16 unit needs three bytes of UTF-8 at most.
  const most = value.length > longText ? Buffer.byteLength(value) : value.length * 3
  if (slab.length - at < most) makeRoom(most)
  at += slab.write(value, at)
}

const longString = 256
const awkward = /["\\\u0000-\u001f<>&\u2028\u2029\ud800-\udfff]/

/** A JSON string, if nothing in it needs to be written otherwise; else it writes nothing and says false. */
export const string = (value: string): boolean => {
  const { length } = value
  if (length > longString) {
    if (awkward.test(value)) return false
    text(`"${value}"`)
    return true
  }
  if (slab.length - at < length + 2) makeRoom(length + 2)
  let to = at
  slab[to++] = 0x22
  for (let index = 0; index < length; index++) {
    const code = value.charCodeAt(index)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c || code === 0x3c || code === 0x3e || code === 0x26) return false
    slab[to++] = code
  }
  slab[to++] = 0x22
  at = to
  return true
}
