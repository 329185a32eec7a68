import type { PodTemplateSpec } from '@skiff/api'
import { canonical } from '../same.ts'

// The characters of Kubernetes' safe names: no vowels and no digits that look like them.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1a, 32 bits, over UTF-8. */
const fnv32a = (bytes: Uint8Array): number => {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

/** Digits as they may stand in a name: upstream's SafeEncodeString. */
export const safeText = (digits: string): string => [...digits].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('')

/**
 * The label that tells the sets of a Deployment apart. Upstream hashes its Go structs as printed; this hashes the template's
 * canonical JSON, so the form is the same and the value is this program's own.
 */
export const templateHash = (template: PodTemplateSpec, collisionCount = 0): string => {
  const text = canonical(template) + (collisionCount > 0 ? String(collisionCount) : '')
  return safeText(String(fnv32a(Buffer.from(text))))
}
