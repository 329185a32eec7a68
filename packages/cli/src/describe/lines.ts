import { canonicalQuantity, compileLabelSelector, type Json, type JsonObject, parseTimeMs, sortedKeys } from '@skiff/machinery'
import { mapAt, textAt } from '../objects/fields.ts'
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

const zoneOf = (time: Date): string => {
  const offset = -time.getTimezoneOffset()
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
}
const clockOf = (time: Date): string => [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')

/** A timestamp as RFC 1123 with a numeric zone, in the zone of this machine. An absent time is Go's zero time. */
export const timeText = (timestamp: string): string => {
  if (timestamp === '') return 'Mon, 01 Jan 0001 00:00:00 +0000'
  const time = new Date(parseTimeMs(timestamp))
  return `${weekDays[time.getDay()]}, ${two(time.getDate())} ${months[time.getMonth()]} ${time.getFullYear()} ${clockOf(time)} ${zoneOf(time)}`
}
/** A time as Go prints it by itself: `2024-05-01 10:00:00 +0000 UTC`. */
export const goTimeText = (timestamp: string): string => {
  if (timestamp === '') return '0001-01-01 00:00:00 +0000 UTC'
  const time = new Date(parseTimeMs(timestamp))
  const date = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-')
  const names = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(time)
  return `${date} ${clockOf(time)} ${zoneOf(time)} ${names.find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC'}`
}
export const timeAt = (object: Json | undefined, path: string): string => timeText(textAt(object, path))

/**
 * `Labels:\ta=b` and one further line a label. `nest` is what kubectl's nested writer puts before each piece, which is why it comes
 * twice on the further lines.
 */
export const labelLines = (title: string, labels: JsonObject, nest = ''): string[] => {
  const keys = sortedKeys(labels)
  if (keys.length === 0) return [`${nest}${title}:\t${nest}<none>`]
  return keys.map((key, i) => `${i === 0 ? `${nest}${title}:\t` : `${nest}${nest}\t`}${nest}${key}=${labels[key]}`)
}

const annotationBytes = 140
const hiddenAnnotations = new Set(['kubectl.kubernetes.io/last-applied-configuration'])
const cutTo = (text: string, bytes: number): string =>
  Buffer.byteLength(text) > bytes ? `${Buffer.from(text).subarray(0, bytes).toString('utf8')}...` : text

/** The same for annotations: long ones and those of several lines are set below their key, cut to 138 bytes a line. */
export const annotationLines = (title: string, annotations: JsonObject, nest = ''): string[] => {
  const keys = sortedKeys(annotations).filter((key) => !hiddenAnnotations.has(key))
  if (keys.length === 0) return [`${nest}${title}:\t${nest}<none>`]
  return keys.flatMap((key, i) => {
    const lead = i === 0 ? `${nest}${title}:\t` : `${nest}\t`
    const value = String(annotations[key]).replace(/\n$/, '')
    if (Buffer.byteLength(value) + Buffer.byteLength(key) + 2 <= annotationBytes && !value.includes('\n'))
      return [`${lead}${nest}${key}: ${value}`]
    return [`${lead}${nest}${key}:`, ...value.split('\n').map((text) => `${nest}\t  ${cutTo(text, annotationBytes - 2)}`)]
  })
}

export const nameLine = (object: JsonObject): string => `Name:\t${textAt(object, 'metadata.name')}`
export const nameLines = (object: JsonObject): string[] => [nameLine(object), `Namespace:\t${textAt(object, 'metadata.namespace')}`]
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

/** A selector as text; `undefined` selects nothing and prints as nothing. */
export const selectorText = (object: JsonObject, path: string): string => compileLabelSelector(mapAt(object, path) as never).toString()

/** A quantity in its canonical form. */
export const quantityText = (value: Json | undefined): string => (value === undefined ? '0' : canonicalQuantity(String(value)))

/** `title:\tvalue` where there is a value. */
export const optionalLine = (title: string, value: Json | undefined, level = 0): string[] =>
  value === undefined || value === null || value === '' ? [] : [line(level, `${title}:\t${String(value)}`)]

/** Who controls an object: `ReplicaSet/web-1`. */
export const controllerLine = (object: JsonObject): string[] => {
  const owners = mapAt(object, 'metadata').ownerReferences as readonly JsonObject[] | undefined
  const owner = owners?.find(({ controller }) => controller === true)
  return owner ? [`Controlled By:\t${owner.kind}/${owner.name}`] : []
}

/** The go list `[a b]`. */
export const listText = (texts: readonly string[]): string => `[${texts.join(' ')}]`
