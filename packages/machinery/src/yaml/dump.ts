import { isJsonArray, type Json, type JsonObject } from '../json/value.ts'
import { floatText } from './float.ts'
import { compareKeys } from './keys.ts'
import { type Cursor, writeString } from './scalar.ts'

/** Longer keys, and keys of several lines, need the explicit form `? key`. */
const longestSimpleKey = 128

/**
 * YAML as kubectl prints it: keys sorted, two spaces, lists not indented within maps, quotes where another reading would be
 * possible, literal blocks for text of several lines. Ends with a newline. Members that are undefined are left out.
 */
export const dumpYaml = (value: unknown): string => {
  const text = node(value as Json, { column: 0, indent: 0 }, 'root')
  return text.endsWith('\n') ? text : `${text}\n`
}

type Place = 'root' | 'map' | 'list'

/** What stands at `cursor`: with a leading newline and indent where a block has to begin on its own line. */
const node = (value: Json | undefined, cursor: Cursor, place: Place): string => {
  if (typeof value === 'string') return afterMark(place, writeString(value, scalarCursor(cursor, place), false))
  if (typeof value !== 'object' || value === null) return afterMark(place, scalar(value))
  if (isJsonArray(value)) return value.length === 0 ? afterMark(place, '[]') : list(value, cursor, place)
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort(compareKeys)
  return keys.length === 0 ? afterMark(place, '{}') : map(value, keys, cursor, place)
}

const afterMark = (place: Place, text: string): string => (place === 'root' ? text : ` ${text}`)
const scalarCursor = ({ column, indent }: Cursor, place: Place): Cursor => ({
  column: place === 'root' ? 0 : column + 1,
  indent: indent + 2,
})

const scalar = (value: null | undefined | boolean | number | bigint): string => {
  if (value === null || value === undefined) return 'null'
  if (typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < 2 ** 64)) return String(value)
  return floatText(value)
}

/** `cursor.indent` is that of the surrounding block. A list within a map is not indented, one within a list is. */
const list = (items: readonly Json[], { indent }: Cursor, place: Place): string => {
  const own = place === 'list' ? indent + 2 : indent
  return block(
    items.map((item) => `-${node(item ?? null, { column: own + 1, indent: own }, 'list')}`),
    ' '.repeat(own),
    place,
  )
}

const map = (object: JsonObject, keys: readonly string[], { indent }: Cursor, place: Place): string => {
  const own = place === 'root' ? indent : indent + 2
  return block(
    keys.map((key) => member(key, object[key], own)),
    ' '.repeat(own),
    place,
  )
}

/** Lines one below the other. Only the last one is ever looked into: the whole is a rope, which a look would make flat each time. */
const block = (lines: readonly string[], pad: string, place: Place): string => {
  let text = place === 'list' ? ' ' : place === 'root' ? '' : `\n${pad}`
  let last: string | undefined
  for (const line of lines) {
    text += last === undefined ? line : breakAfter(last) + pad + line
    last = line
  }
  return text
}

/** A block that keeps its last line breaks has ended its line already. */
const breakAfter = (line: string): string => (line.endsWith('\n') ? '' : '\n')

const member = (key: string, value: Json | undefined, indent: number): string => {
  if (Buffer.byteLength(key) <= longestSimpleKey && !key.includes('\n')) {
    const name = writeString(key, { column: indent, indent }, true)
    return `${name}:${node(value, { column: indent + [...name].length + 1, indent }, 'map')}`
  }
  const name = `? ${writeString(key, { column: indent + 2, indent: indent + 2 }, false)}`
  const colon = `${' '.repeat(indent)}:`
  return `${name}${breakAfter(name)}${colon}${node(value, { column: indent + 1, indent }, 'list')}`
}
