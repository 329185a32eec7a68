import { parseExactly } from './exact.ts'
import { defaultMaxDepth, scanJson } from './scan.ts'
import type { Json, JsonObject } from './value.ts'

export interface ParsedJson {
  readonly value: Json
  /** `duplicate field "spec.a"`: what strict field validation refuses or warns of. The last value stands. */
  readonly duplicates: readonly string[]
  /** The value holds what JSON.parse cannot make: a bigint, or text that was not Unicode. Keys named `__proto__` count too. */
  readonly irregular: boolean
}

const none: readonly string[] = []

/**
 * Parses UTF-8 JSON. JSON.parse does the work where the scan proves that it loses nothing, an own parser otherwise. Objects are
 * ordinary ones: a key `__proto__` is an own property, and digit keys move to the front, which encodeJson puts right.
 * Throws a plain Error with Go's text.
 */
export const parseJson = (bytes: Uint8Array, maxDepth: number = defaultMaxDepth): ParsedJson => {
  const facts = scanJson(bytes, maxDepth)
  const irregular = facts.badUtf8 || facts.unsafeNumbers || facts.surrogates || facts.protoKeys
  if (!irregular && !facts.mayRepeatKeys && !facts.keyBackslashes && facts.depth <= maxDepth) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    try {
      const value = JSON.parse(text) as Json
      if (!facts.keyEscapes || !hasBackslashKey(value)) return { value, duplicates: none, irregular }
    } catch {
      // The exact parser words the complaint as Go does.
    }
  }
  return { ...parseExactly(bytes, maxDepth), irregular }
}

/**
 * V8 takes a key that is written with escapes for another: where an object with the same keys before it was met whose next key is, letter
 * by letter, how this one begins as it is written (`x\\` for `"x\""`), it reads that key. A key with a backslash gives it away.
 */
const hasBackslashKey = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(hasBackslashKey)
  for (const key in value) if (key.includes('\\') || hasBackslashKey((value as JsonObject)[key])) return true
  return false
}

/** JSON.parse of a text that this program wrote, and so needs no scan. */
export const parseOwnJson = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  return text.includes('\\') && hasBackslashKey(value) ? parseExactly(Buffer.from(text), defaultMaxDepth).value : value
}

/** parseJson of a string. */
export const parseJsonText = (text: string, maxDepth: number = defaultMaxDepth): ParsedJson => parseJson(Buffer.from(text), maxDepth)
