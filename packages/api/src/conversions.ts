import type { KubeObject } from '@skiff/machinery'
import { hpaFromV1, hpaToV1 } from './autoscaling/hpa-conversion.ts'
import type { Conversion } from './catalogue.ts'

type Loose = KubeObject & Readonly<Record<string, unknown>>

/** Renames top-level fields; what is not named stays. */
const renamed = (object: KubeObject, names: Readonly<Record<string, string>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object as Loose).map(([name, value]) => [names[name] ?? name, value]))

const toCore: Readonly<Record<string, string>> = {
  regarding: 'involvedObject',
  note: 'message',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
}
const fromCore = Object.fromEntries(Object.entries(toCore).map(([events, core]) => [core, events]))

/** Who reports is always said in a core event, and here only where there is something to say. */
const withoutEmptyReporter = (object: KubeObject): KubeObject => {
  const { reportingComponent, reportingInstance, ...rest } = object as Loose
  if (reportingComponent && reportingInstance) return object
  return {
    ...rest,
    ...(reportingComponent ? { reportingComponent } : {}),
    ...(reportingInstance ? { reportingInstance } : {}),
  } as unknown as KubeObject
}

/** events.k8s.io/v1 Events are stored as core ones. */
const events: Conversion = {
  toStored: (object) => ({ ...renamed(object, toCore), apiVersion: 'v1', kind: 'Event' }) as unknown as KubeObject,
  fromStored: (object) =>
    ({ ...renamed(withoutEmptyReporter(object), fromCore), apiVersion: 'events.k8s.io/v1', kind: 'Event' }) as unknown as KubeObject,
}

/** autoscaling/v1 is stored as autoscaling/v2. */
const autoscalers: Conversion = {
  toStored: hpaFromV1 as unknown as Conversion['toStored'],
  fromStored: hpaToV1 as unknown as Conversion['fromStored'],
}

/** By `group/version/plural`: kinds whose objects are stored in another version. */
export const conversions: Readonly<Record<string, { readonly storedAs: string; readonly conversion: Conversion }>> = {
  'events.k8s.io/v1/events': { storedAs: 'events', conversion: events },
  'autoscaling/v1/horizontalpodautoscalers': { storedAs: 'horizontalpodautoscalers.autoscaling', conversion: autoscalers },
}
