import { goText, isJsonArray, isJsonObject, type Json, type JsonObject, sortedKeys } from '@skiff/machinery'
import { eventLines } from './event-lines.ts'
import { line, nameLines, tagLines } from './lines.ts'
import type { Describer } from './look.ts'

// Said above, or of no use to a reader.
const hidden = new Set(['.metadata.managedFields', '.metadata.name', '.metadata.namespace', '.metadata.labels', '.metadata.annotations'])

const acronyms = new Set(['API', 'URL', 'UID', 'OSB', 'GUID'])

/** The words of a camel-case name: `podCIDRs` has `pod`, `CID`, `Rs`: of capitals in a row the last begins a word. */
const wordsOf = (name: string): string[] => name.match(/\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}\p{Ll}+|\p{Ll}+|\p{Lu}+|[^\p{Lu}\p{Ll}]+/gu) ?? []

/** `lastTransitionTime` as `Last Transition Time`. Names with anything but letters and hyphens stay. */
export const titleOf = (name: string): string => {
  if (/[^\p{L}-]/u.test(name)) return name
  return wordsOf(name)
    .map((word) => (acronyms.has(word.toUpperCase()) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(' ')
}

const contentLines = (content: JsonObject, level: number, path: string): string[] =>
  sortedKeys(content).flatMap((key) => {
    const here = `${path}.${key}`
    const value = content[key] as Json
    if (hidden.has(here)) return []
    const title = titleOf(key)
    if (isJsonObject(value)) return [line(level, `${title}:`), ...contentLines(value, level + 1, here)]
    if (isJsonArray(value))
      return [
        line(level, `${title}:`),
        ...value.flatMap((child) => (isJsonObject(child) ? contentLines(child, level + 1, here) : [line(level + 1, goText(child))])),
      ]
    return [line(level, `${title}:\t${goText(value)}`)]
  })

/** Any object, field by field. */
export const describeGeneric: Describer = async (object, look) => [
  ...nameLines(object),
  ...tagLines(object),
  ...contentLines(object, 0, ''),
  ...(await eventLines(object, look)),
]
