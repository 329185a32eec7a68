import { sortedKeys } from './value.ts'

// One pass tells whether JSON.stringify's text is Go's: characters that Go escapes for HTML, or a key of digits alone, which
// JavaScript moved to the front. A quote inside a string is preceded by a backslash, so the second half only meets keys.
const needsWork = /[<>&\u2028\u2029]|[{,]"\d+":/
const digitKey = /[{,]"\d+":/
const html = /[<>&\u2028\u2029]/g
const htmlEscapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/**
 * Writes JSON as Kubernetes' encoder does, without the newline that ends a response. Keys keep their order, except in an object
 * with a key of digits alone: only maps have such keys, and Go sorts the keys of a map.
 */
export const encodeJson = (value: unknown): string => {
  const text = plainText(value)
  if (text === undefined) return escapeHtml(exactText(value) ?? 'null')
  if (!needsWork.test(text)) return text
  return escapeHtml(digitKey.test(text) ? (exactText(value) ?? 'null') : text)
}

const remembered = new WeakMap<object, string>()

/** Keeps the text of a value that many objects share, for as long as the value lives. */
export const rememberJson = (value: object, text: string): void => void remembered.set(value, text)

/** encodeJson of a part of an object, which may be shared. */
export const encodePart = (value: unknown): string =>
  (typeof value === 'object' && value !== null ? remembered.get(value) : undefined) ?? encodeJson(value)

/** JSON.stringify's text; undefined where it refuses (bigint) or has nothing to say. */
const plainText = (value: unknown): string | undefined => {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof TypeError) return undefined
    throw error
  }
}

export const escapeHtml = (json: string): string => json.replace(html, (char) => htmlEscapes[char] as string)

/** Writes JSON with the keys of every object sorted, as Go does for maps and kubectl prints objects; indented where `indent` is given. */
export const encodeSortedJson = (value: unknown, indent = ''): string => escapeHtml(sortedText(value, indent, '\n') ?? 'null')

const sortedText = (value: unknown, indent: string, line: string): string | undefined => {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = line + indent
  const members = Array.isArray(value)
    ? value.map((each) => sortedText(each, indent, inner) ?? 'null')
    : sortedKeys(value).flatMap((key) => {
        const text = sortedText((value as Record<string, unknown>)[key], indent, inner)
        return text === undefined ? [] : [`${JSON.stringify(key)}:${indent === '' ? '' : ' '}${text}`]
      })
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  if (members.length === 0) return `${open}${close}`
  return indent === '' ? `${open}${members.join(',')}${close}` : `${open}${inner}${members.join(`,${inner}`)}${line}${close}`
}

const exactText = (value: unknown): string | undefined => {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((each) => exactText(each) ?? 'null').join(',')}]`
  const keys = Object.keys(value)
  const parts: string[] = []
  for (const key of keys.some((each) => /^\d+$/.test(each)) ? sortedKeys(value) : keys) {
    const text = exactText((value as Record<string, unknown>)[key])
    if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`)
  }
  return `{${parts.join(',')}}`
}
