import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

export const edit: Verb = {
  usage: '',
  flags: [],
  run: async () => {
    throw new UsageError('edit is not ready')
  },
}
