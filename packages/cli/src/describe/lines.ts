import { type Json, type JsonObject, parseTimeMs, sortedKeys } from '@skiff/machinery'
import { at, mapAt, textAt } from '../objects/fields.ts'
import { alignTabs, describeTabs } from '../print/tab-writer.ts'

// A description is a list of lines whose cells end with tabs; alignment happens once, over the whole.

/** A line at a level of the description: two blanks each. */
export const line = (level: number, text: string): string => '  '.repeat(level) + text

/** The finished text. What a terminal would obey is made visible. */
export const printLines = (lines: readonly string[]): string =>
  alignTabs(lines.map((each) => `${each}\n`).join(''), describeTabs)
    .replaceAll('\u001b', '^[')
    .replaceAll('\r', '\\r')

export const orNone = (text: string): string => (text === '' ? '<none>' : text)
export const orUnset = (value: Json | undefined): string => (value === undefined || value === null ? '<unset>' : String(value))
export const capitalBool = (value: Json | undefined): string => (value === true ? 'True' : 'False')

const weekDays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

/** A timestamp as RFC 1123 with a numeric zone, in the zone of this machine. An absent time is Go's zero time. */
export const timeText = (timestamp: string): string => {
  if (timestamp === '') return 'Mon, 01 Jan 0001 00:00:00 +0000'
  const time = new Date(parseTimeMs(timestamp))
  const offset = -time.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${weekDays[time.getDay()]}, ${two(time.getDate())} ${months[time.getMonth()]} ${time.getFullYear()} ${clock} ${zone}`
}
export const timeAt = (object: Json | undefined, path: string): string => timeText(textAt(object, path))

/** `Labels:\ta=b` and one further line a label. */
export const labelLines = (title: string, labels: JsonObject, skip: ReadonlySet<string> = new Set()): string[] => {
  const keys = sortedKeys(labels).filter((key) => !skip.has(key))
  if (keys.length === 0) return [`${title}:\t<none>`]
  const indent = /^ */.exec(title)?.[0] ?? ''
  return keys.map((key, i) => `${i === 0 ? `${title}:` : indent}\t${key}=${labels[key]}`)
}

const annotationWidth = 140
const hiddenAnnotations = new Set(['kubectl.kubernetes.io/last-applied-configuration'])

/** The same for annotations: long ones and those of several lines are set below their key, cut to 140 characters a line. */
export const annotationLines = (title: string, annotations: JsonObject): string[] => {
  const keys = sortedKeys(annotations).filter((key) => !hiddenAnnotations.has(key))
  if (keys.length === 0) return [`${title}:\t<none>`]
  const indent = /^ */.exec(title)?.[0] ?? ''
  return keys.flatMap((key, i) => {
    const lead = i === 0 ? `${title}:\t` : `${indent}\t`
    const value = String(annotations[key]).replace(/\n$/, '')
    const short = value.length + key.length + 2 < annotationWidth && !value.includes('\n')
    if (short) return [`${lead}${key}: ${value}`]
    const cut = (text: string): string => (text.length > annotationWidth - 2 ? `${text.slice(0, annotationWidth - 2)}...` : text)
    return [`${lead}${key}:`, ...value.split('\n').map((text) => `${indent}\t  ${cut(text)}`)]
  })
}

/** The name, and the namespace where there is one. */
export const nameLines = (object: JsonObject): string[] => [
  `Name:\t${textAt(object, 'metadata.name')}`,
  ...(at(object, 'metadata.namespace') === undefined ? [] : [`Namespace:\t${textAt(object, 'metadata.namespace')}`]),
]
export const tagLines = (object: JsonObject): string[] => [
  ...labelLines('Labels', mapAt(object, 'metadata.labels')),
  ...annotationLines('Annotations', mapAt(object, 'metadata.annotations')),
]

/** A map as `a=b,c=d`. */
export const labelsText = (labels: JsonObject): string =>
  orNone(
    sortedKeys(labels)
      .map((key) => `${key}=${labels[key]}`)
      .join(','),
  )
