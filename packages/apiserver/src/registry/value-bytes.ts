const slabBytes = 256 * 1024
let slab = Buffer.allocUnsafeSlow(0)
let used = 0

/**
 * The bytes of a value on its way to the store. They live for some milliseconds: kept apart from the bytes of entries, which live long,
 * they do not hold half of the memory that the two would share.
 */
export const valueBytes = (text: string): Buffer => {
  // A UTF-16 unit needs three bytes of UTF-8 at most.
  const most = text.length * 3
  if (most > slabBytes / 4) return Buffer.from(text)
  if (slab.length - used < most) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    used = 0
  }
  const length = slab.write(text, used)
  const bytes = slab.subarray(used, used + length)
  used += length
  return bytes
}
