import { systemEnv } from '@skiff/machinery'
import { openJournals } from './journal-files.ts'
import { requireRecord } from './record.ts'
import type { Tell } from './talk.ts'

const lookMs = 250

/** `skiff journal [COMPONENT] [-f]`: Skiff's own log, of all processes of a cluster. With `follow` it ends with the program. */
export const journal = async (name: string, component: string | undefined, follow: boolean, tell: Tell): Promise<void> => {
  const look = openJournals(requireRecord(name).place, component)
  const env = systemEnv()
  for (const line of look()) tell(line)
  while (follow) {
    await env.sleep(lookMs)
    for (const line of look()) tell(line)
  }
}
