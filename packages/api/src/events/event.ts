import type { FieldError } from '@skiff/machinery'
import { checkImmutable, collect, immutableText, invalidShown, same } from '../checks/faults.ts'
import { goReference } from '../checks/go-syntax.ts'
import { eventFaults, seriesFaults, strictEventFaults } from '../core/event-checks.ts'
import * as resources from '../generated/resources.ts'
import type { Event as CoreEvent, EventsV1Event } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** The same event with core v1's names, by which upstream checks it. */
export const coreFormOf = (event: EventsV1Event): CoreEvent => {
  const {
    regarding,
    note,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...rest
  } = event
  return {
    ...rest,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    ...(note !== undefined ? { message: note } : {}),
    ...(deprecatedSource !== undefined ? { source: deprecatedSource } : {}),
    ...(deprecatedFirstTimestamp !== undefined ? { firstTimestamp: deprecatedFirstTimestamp } : {}),
    ...(deprecatedLastTimestamp !== undefined ? { lastTimestamp: deprecatedLastTimestamp } : {}),
    ...(deprecatedCount !== undefined ? { count: deprecatedCount } : {}),
    ...(reportingController !== undefined ? { reportingComponent: reportingController } : {}),
  } as CoreEvent
}

/** Series alone may change. Names are those of upstream's texts, which are neither API's. */
const fixed = [
  ['involvedObject'],
  ['reason'],
  ['message'],
  ['source'],
  ['firstTimestamp'],
  ['lastTimestamp'],
  ['count'],
  ['type'],
  ['eventTime'],
  ['action'],
  ['related'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance'],
] as const

const texts: ReadonlySet<string> = new Set(['reason', 'message', 'type', 'action', 'reportingComponent', 'reportingInstance'])

const updateFaults = (next: CoreEvent, old: CoreEvent): readonly FieldError[] => [
  ...eventFaults(next),
  ...(same(next.series, old.series) ? [] : seriesFaults(next)),
  ...collect((faults) => {
    for (const [field, path] of fixed) {
      const isReference = field === 'involvedObject' || field === 'related'
      // Absent texts and counts are empty ones to upstream; times and references have nothing in their place.
      const empty = texts.has(field) ? '' : field === 'count' ? 0 : undefined
      if (!isReference || next[field] === undefined) checkImmutable(faults, next[field] ?? empty, old[field] ?? empty, path ?? field)
      else if (!same(next[field], old[field])) faults.push(invalidShown(field, goReference(next[field]), immutableText))
    }
  }),
]

export const eventsEvent = defineKind<EventsV1Event>(resources.eventsV1Event, {
  // Upstream's internal type is that of the core group.
  internalGroup: '',
  generation: false,
  allowCreateOnUpdate: true,
  validate: (next) => {
    const event = coreFormOf(next)
    return [...eventFaults(event), ...strictEventFaults(event)]
  },
  validateUpdate: (next, old) => updateFaults(coreFormOf(next), coreFormOf(old)),
})
