import { canonicalMicroTime, canonicalQuantity, canonicalTime, type DecodeFormats, durationText, parseDuration } from '@skiff/machinery'

/** Canonical forms of quantities, times and durations. */
export const formats: DecodeFormats = {
  quantity: (value) => canonicalQuantity(String(value)),
  time: (text, micro) => (micro ? canonicalMicroTime(text) : canonicalTime(text)),
  duration: (text) => durationText(parseDuration(text)),
}
