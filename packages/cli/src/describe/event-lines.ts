import { type JsonObject, parseTimeMs } from '@skiff/machinery'
import { at, type Dynamic, numberAt, textAt } from '../objects/fields.ts'
import { line } from './lines.ts'
import type { Involved, Look } from './look.ts'
import { sinceText } from './times.ts'

const lastSeenMs = (event: JsonObject): number => {
  const text = textAt(event, 'lastTimestamp')
  return text === '' ? Number.NEGATIVE_INFINITY : parseTimeMs(text)
}

/** How long ago an event was seen, and how often. */
export const eventAge = (event: JsonObject, nowMs: number): string => {
  const first = sinceText(textAt(event, 'eventTime') || textAt(event, 'firstTimestamp'), nowMs)
  if (at(event, 'series'))
    return `${sinceText(textAt(event, 'series.lastObservedTime'), nowMs)} (x${numberAt(event, 'series.count')} over ${first})`
  if (numberAt(event, 'count') > 1)
    return `${sinceText(textAt(event, 'lastTimestamp'), nowMs)} (x${numberAt(event, 'count')} over ${first})`
  return first
}

/** The events' table, what was seen last at the end. */
export const eventTable = (events: readonly JsonObject[] | undefined, nowMs: number): string[] => {
  if (events === undefined) return []
  if (events.length === 0) return ['Events:\t<none>']
  const sorted = [...events].sort((a, b) => {
    const [x, y] = [lastSeenMs(a), lastSeenMs(b)]
    return x < y ? -1 : x > y ? 1 : 0
  })
  return [
    'Events:',
    line(1, 'Type\tReason\tAge\tFrom\tMessage'),
    line(1, '----\t------\t----\t----\t-------'),
    ...sorted.map((event) => {
      const source = textAt(event, 'source.component') || textAt(event, 'reportingComponent')
      const cells = [textAt(event, 'type'), textAt(event, 'reason'), eventAge(event, nowMs), source, textAt(event, 'message').trim()]
      return line(1, cells.join('\t'))
    }),
  ]
}

export const involved = (object: Dynamic): Involved => ({
  name: object.metadata.name,
  namespace: object.metadata.namespace ?? '',
  kind: object.kind,
  uid: object.metadata.uid,
})

/** The table of the events about an object. */
export const eventLines = async (object: Dynamic, look: Look): Promise<string[]> =>
  eventTable(await look.events(involved(object)), look.nowMs)
