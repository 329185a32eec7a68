import { nameIsPathSegment } from '@skiff/machinery'
import { event as eventResource } from '../generated/resources.ts'
import type { Event } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { eventFaults } from './event-checks.ts'

export const event = defineKind<Event>(eventResource, {
  generation: false,
  allowCreateOnUpdate: true,
  // Named after what they speak of, which may have any name.
  validateName: nameIsPathSegment,
  validate: eventFaults,
})
