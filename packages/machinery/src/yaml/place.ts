import { EVENT_ID, type Event, getScalarValue, parseEvents } from 'js-yaml'

type Segment = string | number

/**
 * The line, from 1, on which the value at a path stands in a document of YAML, or as much of the path as there is. Undefined where it has no lines that
 * tell: a document that is empty or broken.
 */
export const yamlLineOf = (text: string, path: readonly Segment[]): number | undefined => {
  const events = eventsOf(text)
  let at = 1
  let offset = events[at] ? firstOffset(events, at) : undefined
  for (const segment of path) {
    const found = events[at]?.type === EVENT_ID.MAPPING ? entryOf(text, events, at, segment) : itemOf(events, at, segment)
    if (!found) break
    at = found.value
    offset = found.offset ?? offset
  }
  return offset === undefined ? undefined : text.slice(0, offset).split('\n').length
}

const eventsOf = (text: string): readonly Event[] => {
  try {
    return parseEvents(text, {})
  } catch {
    return []
  }
}

interface Found {
  readonly value: number
  readonly offset: number | undefined
}

const entryOf = (text: string, events: readonly Event[], mapping: number, segment: Segment): Found | undefined => {
  for (let at = mapping + 1; isNode(events, at); ) {
    const key = events[at] as Event
    const value = after(events, at)
    if (key.type === EVENT_ID.SCALAR && getScalarValue(text, key) === String(segment)) return { value, offset: key.valueStart }
    at = after(events, value)
  }
  return undefined
}

const itemOf = (events: readonly Event[], sequence: number, segment: Segment): Found | undefined => {
  if (events[sequence]?.type !== EVENT_ID.SEQUENCE || typeof segment !== 'number') return undefined
  let at = sequence + 1
  for (let i = 0; i < segment && isNode(events, at); i += 1) at = after(events, at)
  return isNode(events, at) ? { value: at, offset: firstOffset(events, at) } : undefined
}

const isNode = (events: readonly Event[], at: number): boolean => events[at] !== undefined && events[at].type !== EVENT_ID.POP

/** Where the node after this one begins. */
const after = (events: readonly Event[], node: number): number => {
  let depth = 0
  for (let at = node; at < events.length; at += 1) {
    const { type } = events[at] as Event
    if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth += 1
    else if (type === EVENT_ID.POP) depth -= 1
    if (depth === 0) return at + 1
  }
  return events.length
}

const firstOffset = (events: readonly Event[], node: number): number | undefined => {
  for (let at = node, end = after(events, node); at < end; at += 1) {
    const event = events[at] as Event
    if (event.type === EVENT_ID.SCALAR && event.valueStart >= 0) return event.valueStart
  }
  return undefined
}
