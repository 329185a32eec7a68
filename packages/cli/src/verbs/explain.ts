import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

export const explain: Verb = {
  usage: '',
  flags: [],
  run: async () => {
    throw new UsageError('explain is not ready')
  },
}
