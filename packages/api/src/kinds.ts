import { pod } from './core/pod.ts'
import type { KindEntry } from './kind.ts'

/** Every kind with a behaviour of its own, in the order of the API's documentation. Resources not named here follow the common rules. */
export const kinds: readonly KindEntry[] = [
  // core
  pod,
]
