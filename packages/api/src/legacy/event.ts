import { conversions } from '../conversions.ts'
import type { Form, Loose } from './legacy-kind.ts'

const v1 = conversions['events.k8s.io/v1/events']?.conversion

/** Events of events.k8s.io/v1beta1 have v1's names and were checked as core events are. */
export const event: Form = {
  toStored: (object) => v1?.toStored(object) as Loose,
  fromStored: (object) => v1?.fromStored(object) as Loose,
  fault: (fault) => ({ ...fault, field: fault.field.replace(/^reportingComponent/, 'reportingController') }),
}
