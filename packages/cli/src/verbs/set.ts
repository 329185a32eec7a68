import type { VerbGroup } from '../verb.ts'

export const set: VerbGroup = { parts: {} }
