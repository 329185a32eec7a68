import { isUtf8 } from 'node:buffer'

/** Go's encoding/json refuses what nests deeper. */
export const defaultMaxDepth = 10_000

/** What JSON.parse would lose or let through. Only meaningful for text that is syntactically JSON. */
export interface JsonFacts {
  readonly badUtf8: boolean
  /** Two keys of one object may be equal: their hashes are, or one holds an escape that has alternatives. */
  readonly mayRepeatKeys: boolean
  /** A number that a double may not hold exactly, or not at all. */
  readonly unsafeNumbers: boolean
  /** A \u escape of the surrogate range, which may stand alone; any \u escape of a key. */
  readonly surrogates: boolean
  /** Some object key is `__proto__`. */
  readonly protoKeys: boolean
  /** Some object key is all digits; JavaScript objects move such keys to the front. */
  readonly integerKeys: boolean
  /** Some object key is written with an escape; `keyBackslashes` where one holds a backslash itself, or may. */
  readonly keyEscapes: boolean
  readonly keyBackslashes: boolean
  /** How deep arrays and objects nest; counting ends just above the limit. */
  readonly depth: number
}

const quote = 0x22
const backslash = 0x5c
/** Above this many keys an object's hashes go to a Set: comparing each with each would be quadratic. */
const smallObject = 24
const protoHash = [...'__proto__'].reduce((hash, char) => (Math.imul(hash, 31) + char.charCodeAt(0)) | 0, 0)

const mayRepeat = 1
const unsafe = 2
const surrogate = 4
const proto = 8
const integer = 16
const keyEscape = 32
const keyBackslash = 64

// Scratch of one scan: scans are synchronous and do not nest. Bits of what was found, the last key's hash, the hashes of the
// keys of all open objects, where each open object's hashes begin, and which of what is open is an object.
let found = 0
let keyHash = 0
let hashes = new Int32Array(4096)
let bases = new Int32Array(256)
let objects = new Uint8Array(256)
let large: Map<number, Set<number>> | undefined

/** One pass over UTF-8 bytes for everything that JSON.parse does not tell. Syntax is not checked. */
export const scanJson = (bytes: Uint8Array, maxDepth: number = defaultMaxDepth): JsonFacts => {
  found = 0
  large = undefined
  const depth = scanTokens(bytes, maxDepth)
  return {
    badUtf8: !isUtf8(bytes),
    mayRepeatKeys: (found & mayRepeat) !== 0,
    unsafeNumbers: (found & unsafe) !== 0,
    surrogates: (found & surrogate) !== 0,
    protoKeys: (found & proto) !== 0,
    integerKeys: (found & integer) !== 0,
    keyEscapes: (found & keyEscape) !== 0,
    keyBackslashes: (found & keyBackslash) !== 0,
    depth,
  }
}

const scanTokens = (bytes: Uint8Array, maxDepth: number): number => {
  const length = bytes.length
  let at = 0
  let depth = 0
  let deepest = 0
  let inObject = false
  let expectKey = false
  let base = 0
  let top = 0
  while (at < length) {
    const c = bytes[at++] as number
    if (c === quote) {
      if (expectKey) {
        expectKey = false
        at = scanKey(bytes, at)
        top = noteKey(depth, base, top)
      } else at = scanText(bytes, at)
    } else if (c === 0x2c) {
      expectKey = inObject
    } else if (c === 0x7b || c === 0x5b) {
      if (++depth > deepest) deepest = depth
      if (depth > maxDepth) break
      if (depth === bases.length) growDepth()
      bases[depth] = base
      objects[depth] = inObject ? 1 : 0
      base = top
      inObject = c === 0x7b
      expectKey = inObject
    } else if (c === 0x7d || c === 0x5d) {
      if (depth === 0) break
      if (large !== undefined) large.delete(depth)
      top = base
      base = bases[depth] as number
      inObject = objects[depth] === 1
      depth--
      expectKey = false
    } else if ((c >= 0x30 && c <= 0x39) || c === 0x2d) at = scanNumber(bytes, at)
  }
  return deepest
}

/** Goes over a string that is no key; the position after its closing quote. */
const scanText = (bytes: Uint8Array, from: number): number => {
  let at = from
  let k = bytes[at]
  while (k !== quote && k !== undefined) {
    if (k === backslash && bytes[++at] === 0x75 && ((bytes[at + 1] as number) | 0x20) === 0x64) found |= surrogate
    k = bytes[++at]
  }
  return at + 1
}

/** Goes over a key and leaves its hash. */
const scanKey = (bytes: Uint8Array, from: number): number => {
  let at = from
  let hash = 0
  let k = bytes[at]
  while (k !== quote && k !== undefined) {
    if (k === backslash) {
      // Only these two escapes write a character that a key can also hold otherwise.
      k = bytes[++at] as number
      found |= keyEscape
      if (k === 0x75) found |= surrogate | mayRepeat | keyBackslash
      else if (k === 0x2f) found |= mayRepeat
      else if (k === backslash) found |= keyBackslash
    }
    hash = (Math.imul(hash, 31) + k) | 0
    k = bytes[++at]
  }
  if (hash === protoHash) found |= proto
  const first = bytes[from] as number
  if (first <= 0x39 && first >= 0x30 && allDigits(bytes, from, at)) found |= integer
  keyHash = hash
  return at + 1
}

/** Compares the last key with those before it in its object and keeps it; the new top of `hashes`. */
const noteKey = (depth: number, base: number, top: number): number => {
  const hash = keyHash
  if (top - base < smallObject) {
    for (let i = base; i < top; i++) if (hashes[i] === hash) found |= mayRepeat
    if (top === hashes.length) {
      const old = hashes
      hashes = new Int32Array(old.length * 4)
      hashes.set(old)
    }
    hashes[top] = hash
    return top + 1
  }
  large ??= new Map()
  let seen = large.get(depth)
  if (seen === undefined) {
    seen = new Set(hashes.subarray(base, top))
    large.set(depth, seen)
  }
  if (seen.has(hash)) found |= mayRepeat
  seen.add(hash)
  return top
}

/** Goes over a number whose first byte is before `from`. */
const scanNumber = (bytes: Uint8Array, from: number): number => {
  let at = from
  let k = bytes[at] as number
  while (k <= 0x39 && k >= 0x30) k = bytes[++at] as number
  if (k !== 0x2e && k !== 0x65 && k !== 0x45) {
    if (at - from >= 15) found |= unsafe
    return at
  }
  // A double's range ends near 1e308: an exponent of three digits, or as many digits, is for the exact parser.
  let exponentAt = at + bytes.length
  while ((k <= 0x39 && k >= 0x30) || k === 0x2e || k === 0x65 || k === 0x45 || k === 0x2b || k === 0x2d) {
    if (k === 0x65 || k === 0x45) exponentAt = at
    k = bytes[++at] as number
  }
  if (at - from > 300 || at - exponentAt > 3) found |= unsafe
  return at
}

const growDepth = (): void => {
  const [oldBases, oldObjects] = [bases, objects]
  bases = new Int32Array(oldBases.length * 4)
  bases.set(oldBases)
  objects = new Uint8Array(oldObjects.length * 4)
  objects.set(oldObjects)
}

const allDigits = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if ((bytes[i] as number) < 0x30 || (bytes[i] as number) > 0x39) return false
  return true
}
