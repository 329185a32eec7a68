import { type FieldError, invalidValue, isDns1123Subdomain, isQualifiedName, required } from '@skiff/machinery'
import type { Event } from '../generated/types.ts'

const mostTextBytes = 128
const mostNoteBytes = 1024

/**
 * Rules for events of either API, in the core form and with its field names, as upstream's texts have them. Events with an
 * eventTime are of the new kind, whichever API they came by.
 */
export const eventFaults = (event: Event): FieldError[] => {
  const { metadata, involvedObject } = event
  const namespace = metadata.namespace ?? ''
  const of = involvedObject?.namespace ?? ''
  const clusterScoped = of === '' && (namespace === 'default' || (event.eventTime ? namespace === 'kube-system' : namespace === ''))
  const matches = clusterScoped || (of !== '' && (event.eventTime !== undefined || of === namespace))
  const found: FieldError[] = []
  if (!matches) found.push(invalidValue('involvedObject.namespace', of, 'does not match event.namespace'))
  if (event.eventTime) found.push(...newFormFaults(event))
  for (const message of isDns1123Subdomain(namespace)) found.push(invalidValue('namespace', namespace, message))
  return found
}

const newFormFaults = (event: Event): FieldError[] => {
  const controller = event.reportingComponent ?? ''
  const found = controller === '' ? [required('reportingController')] : []
  for (const message of isQualifiedName(controller)) found.push(invalidValue('reportingController', controller, message))
  const text = (value: string | undefined, path: string) => {
    if (!value) found.push(required(path))
    if (Buffer.byteLength(value ?? '') > mostTextBytes) found.push(invalidValue(path, '', `can have at most ${mostTextBytes} characters`))
  }
  text(event.reportingInstance, 'reportingInstance')
  text(event.action, 'action')
  text(event.reason, 'reason')
  if (Buffer.byteLength(event.message ?? '') > mostNoteBytes)
    found.push(invalidValue('message', '', `can have at most ${mostNoteBytes} characters`))
  return found
}

/** What the new API asks of its events beyond the rules above. */
export const strictEventFaults = (event: Event): FieldError[] => {
  const found = seriesFaults(event)
  const unset = (path: string) => invalidValue(path, '', 'needs to be unset')
  if (!event.eventTime) found.push(required('eventTime'))
  if (event.type !== 'Normal' && event.type !== 'Warning') found.push(invalidValue('type', '', `has invalid value: ${event.type ?? ''}`))
  if (event.firstTimestamp) found.push(unset('firstTimestamp'))
  if (event.lastTimestamp) found.push(unset('lastTimestamp'))
  if (event.count) found.push(unset('count'))
  if (event.source?.component || event.source?.host) found.push(unset('source'))
  return found
}

export const seriesFaults = ({ series }: Event): FieldError[] => {
  if (series === undefined) return []
  return [
    ...((series.count ?? 0) < 2 ? [invalidValue('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [required('series.lastObservedTime')]),
  ]
}
