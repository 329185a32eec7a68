/**
 * Wire JSON as the whole system holds it. Never changed in place.
 * A bigint stands for an integer of int64 that a double cannot hold exactly.
 */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

export const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const isJsonArray = (value: unknown): value is readonly Json[] => Array.isArray(value)

/** Reads a key that a user named: never reaches the prototype. */
export const ownValue = (object: JsonObject, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined)

/**
 * Writes a key that a user named to an object under construction. `__proto__` becomes an ordinary own property, as JSON.parse
 * makes it; a null-prototype object would do as well, but V8 holds those as slow dictionaries.
 */
export const putKey = (target: { [key: string]: Json }, key: string, value: Json): void => {
  if (key === '__proto__') Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  else target[key] = value
}

const surrogate = /[\ud800-\udfff]/

/** Order of two strings by their UTF-8 bytes, as Go sorts. Differs from UTF-16 order beyond the basic plane only. */
export const compareBytes = (a: string, b: string): number => {
  if (a === b) return 0
  if (!surrogate.test(a) && !surrogate.test(b)) return a < b ? -1 : 1
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y)
  }
  return a.length - b.length
}
// Surrogates stand for code points above all other code units.
const codeUnitRank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** The keys of a Go map in the order in which Go writes them. */
export const sortedKeys = (object: object): string[] => sortedTexts(Object.keys(object))

/** Sorts texts in place by their bytes. */
export const sortedTexts = (texts: string[]): string[] => {
  // Most come in order.
  let at = 1
  while (at < texts.length && (texts[at - 1] as string) <= (texts[at] as string)) at++
  if (at < texts.length) texts.sort()
  return texts.some((text) => surrogate.test(text)) ? texts.sort(compareBytes) : texts
}

/** Deep equality of wire values. The order of keys does not count; 1 and 1n are the same integer. */
export const sameJson = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || a === undefined || b === undefined)
    return (typeof a === 'bigint' || typeof b === 'bigint') && sameInteger(a, b)
  if (isJsonArray(a)) return isJsonArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  if (isJsonArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  for (const key of keys) if (!Object.hasOwn(b, key) || !sameJson(a[key], (b as JsonObject)[key])) return false
  return true
}
const sameInteger = (a: Json | undefined, b: Json | undefined): boolean =>
  (typeof a === 'bigint' || typeof a === 'number') && (typeof b === 'bigint' || typeof b === 'number') && !(a < b) && !(a > b)
