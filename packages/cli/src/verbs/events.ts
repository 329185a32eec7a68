import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

export const events: Verb = {
  usage: '',
  flags: [],
  run: async () => {
    throw new UsageError('events is not ready')
  },
}
