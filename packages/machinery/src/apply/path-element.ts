import { encodeSortedJson } from '../json/encode.ts'
import { parseJson } from '../json/parse.ts'
import { compareBytes, isJsonObject, type Json, type JsonObject, sortedKeys, sortedTexts } from '../json/value.ts'
import { goText } from './go-value.ts'

/** Path elements are text in their wire form, which is canonical: keys sorted, numbers as Go writes them. */
export const fieldElement = (name: string): string => `f:${name}`
export const valueElement = (value: Json): string => `v:${scalarText(value)}`
export const keyElement = (key: JsonObject): string => {
  const names = sortedKeys(key)
  let text = ''
  for (const name of names) text += `${text === '' ? '' : ','}${scalarText(name)}:${scalarText(key[name] as Json)}`
  return `k:{${text}}`
}
const plain = /^[\w./:-]*$/
const scalarText = (value: Json): string => (typeof value === 'string' && plain.test(value) ? `"${value}"` : encodeSortedJson(value))
export const indexElement = (index: number): string => `i:${index}`

const parsed = (text: string): Json => parseJson(Buffer.from(text)).value as Json
/** Of an element in canonical form, whose text has no surprises but integers that a double may not hold. */
const canonical = (text: string): Json => (/\d{15}/.test(text) ? parsed(text) : (JSON.parse(text) as Json))

/** A path element as somebody wrote it, in canonical form. */
export const readPathElement = (text: string): string => {
  switch (text.slice(0, 2)) {
    case 'f:':
      return text
    case 'v:':
      return valueElement(parsed(text.slice(2)))
    case 'k:': {
      const key = parsed(text.slice(2))
      if (!isJsonObject(key)) throw new Error(`no key of a list: ${text}`)
      return keyElement(key)
    }
    case 'i:':
      if (!/^i:-?\d+$/.test(text)) throw new Error(`no index: ${text}`)
      return indexElement(Number(text.slice(2)))
    default:
      throw new Error(`no path element: ${text}`)
  }
}

const ranks = 'fkvi'

interface Ranked {
  readonly element: string
  readonly rank: number
  /** What the element says, of a key or a value. */
  readonly value: Json
}

/** Sorts elements in place: fields before keys before values before indexes; keys by their fields' names and values. */
export const sortPathElements = (elements: string[]): string[] => {
  // Names alone, the usual case, sort as text does.
  if (elements.every((element) => element[0] === 'f')) return sortedTexts(elements)
  const ranked = elements.map((element): Ranked => {
    const rank = ranks.indexOf(element[0] as string)
    return { element, rank, value: rank === 1 || rank === 2 ? canonical(element.slice(2)) : null }
  })
  ranked.sort(compareRanked)
  for (let index = 0; index < elements.length; index++) elements[index] = (ranked[index] as Ranked).element
  return elements
}

const compareRanked = (a: Ranked, b: Ranked): number => {
  if (a.rank !== b.rank) return a.rank - b.rank
  switch (a.rank) {
    case 0:
      return compareBytes(a.element, b.element)
    case 1:
      return compareKeys(a.value as JsonObject, b.value as JsonObject)
    case 2:
      return compareScalars(a.value, b.value)
    default:
      return Number(a.element.slice(2)) - Number(b.element.slice(2))
  }
}

const compareKeys = (a: JsonObject, b: JsonObject): number => {
  const inA = sortedKeys(a)
  const inB = sortedKeys(b)
  for (let i = 0; i < Math.min(inA.length, inB.length); i++) {
    const names = compareBytes(inA[i] as string, inB[i] as string)
    if (names !== 0) return names
    const values = compareScalars(a[inA[i] as string] as Json, b[inB[i] as string] as Json)
    if (values !== 0) return values
  }
  return inA.length - inB.length
}

const compareScalars = (a: Json, b: Json): number => {
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b)
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  const order = scalarRank(a) - scalarRank(b)
  return order !== 0 ? order : Number(a) - Number(b)
}
const isNumber = (value: Json): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
const scalarRank = (value: Json): number => (isNumber(value) ? 0 : typeof value === 'string' ? 1 : typeof value === 'boolean' ? 2 : 3)

/** A path as conflicts name it: `.spec.containers[name="a"].image`. */
export const pathText = (path: readonly string[]): string => path.map(elementText).join('')

export const elementText = (element: string): string => {
  const rest = element.slice(2)
  switch (element[0]) {
    case 'f':
      return `.${rest}`
    case 'i':
      return `[${rest}]`
    case 'v':
      return `[=${goText(parsed(rest))}]`
    default: {
      const key = parsed(rest) as JsonObject
      return `[${sortedKeys(key)
        .map((name) => `${name}=${goText(key[name] as Json)}`)
        .join(',')}]`
    }
  }
}
