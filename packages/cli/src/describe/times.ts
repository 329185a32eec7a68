import { humanDuration, type JsonObject, parseTimeMs } from '@skiff/machinery'
import { at, textAt } from '../objects/fields.ts'

/** How long ago a time was; a time to come is `<invalid>`. */
export const sinceText = (timestamp: string, nowMs: number): string =>
  timestamp === '' ? '<unknown>' : humanDuration(nowMs - parseTimeMs(timestamp))

/** `Terminating (lasts 5s)` of an object under deletion; undefined for any other. */
export const terminatingText = (object: JsonObject, nowMs: number): string | undefined =>
  at(object, 'metadata.deletionTimestamp') === undefined
    ? undefined
    : `Terminating (lasts ${sinceText(textAt(object, 'metadata.deletionTimestamp'), nowMs)})`
