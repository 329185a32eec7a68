import type { JsonObject } from '@skiff/machinery'
import { at, textAt } from '../objects/fields.ts'
import { ageText } from '../print/age.ts'

/** `Terminating (lasts 5s)` of an object under deletion; undefined for any other. */
export const terminatingText = (object: JsonObject, nowMs: number): string | undefined =>
  at(object, 'metadata.deletionTimestamp') === undefined
    ? undefined
    : `Terminating (lasts ${ageText(textAt(object, 'metadata.deletionTimestamp'), nowMs)})`
