import { humanDuration, parseTimeMs, shortHumanDuration } from '@skiff/machinery'

/** How long ago a timestamp was: `5m`, or `<unknown>` where there is none. */
export const ageText = (timestamp: string, nowMs: number): string =>
  timestamp === '' ? '<unknown>' : humanDuration(Math.max(0, nowMs - parseTimeMs(timestamp)))

/** The same with one unit alone. */
export const shortAgeText = (timestamp: string, nowMs: number): string =>
  timestamp === '' ? '<unknown>' : shortHumanDuration(Math.max(0, nowMs - parseTimeMs(timestamp)))
