import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

export const describe: Verb = {
  usage: '',
  flags: [],
  run: async () => {
    throw new UsageError('describe is not ready')
  },
}
