import { flagHelp } from './flags.ts'
import { connectionFlags } from './session.ts'
import { UsageError } from './usage-error.ts'
import { verbs } from './verbs.ts'

// What is said outside of any verb.

/** How many letters have to change to make one word of another. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length] as number
}

/** `Did you mean this?` with the verbs that are near, or nothing. */
export const suggestions = (word: string, known: readonly string[]): string => {
  const lower = word.toLowerCase()
  const near = known.filter((name) => distance(lower, name) <= 2 || name.startsWith(lower))
  return lower === '' || near.length === 0 ? '' : `\n\nDid you mean this?\n${near.map((name) => `\t${name}`).join('\n')}`
}

const verbList = (name: string): string => {
  const names = Object.keys(verbs)
  const width = Math.max(...names.map((each) => each.length)) + 3
  const lines = Object.entries(verbs).map(([verb, { about }]) => `  ${verb.padEnd(width)}${about}\n`)
  return `${name} controls the Kubernetes cluster manager.\n\nCommands:\n${lines.join('')}\nUsage:\n  ${name} [flags] [options]\n\nUse "${name} <command> --help" for more information about a given command.\nUse "${name} options" for a list of global command-line options (applies to all commands).\n`
}

/** The help of the whole, where it is asked for; undefined where the words name no verb. Throws for unknown flags. */
export const rootHelp = async (words: readonly string[], name: string): Promise<string | undefined> => {
  const [first] = words
  if (first === undefined || first === '-h' || first === '--help' || first === 'help') return verbList(name)
  if (first === 'options') return `The following options can be passed to any command:\n\n${flagHelp(connectionFlags)}\n`
  if (!words.some((word) => !word.startsWith('-'))) throw new UsageError(`unknown flag: ${first}\nSee '${name} --help' for usage.`)
  return undefined
}
