import { UsageError } from '../usage-error.ts'

const pairPattern = /^[^=]+=/

/** Divides resources from what is set: the first `key=value` ends the resources. */
export const divideWords = (
  args: readonly string[],
  what: string,
  isSetting: (word: string) => boolean,
): { readonly words: readonly string[]; readonly settings: readonly string[] } => {
  const first = args.findIndex(isSetting)
  if (first < 0) return { words: args, settings: [] }
  const settings = args.slice(first)
  const stray = settings.find((word) => !isSetting(word))
  if (stray !== undefined) throw new UsageError(`all resources must be specified before ${what} changes: ${stray}`)
  return { words: args.slice(0, first), settings }
}

export const isPair = (word: string): boolean => pairPattern.test(word)

export const splitPair = (word: string): [key: string, value: string] => {
  const equals = word.indexOf('=')
  return [word.slice(0, equals), word.slice(equals + 1)]
}

export const resourcesNeeded = 'one or more resources must be specified as <resource> <name> or <resource>/<name>'

/** What kubectl's search for objects tells where nothing was named. */
export const nothingNamed = [
  'You must provide one or more resources by argument or filename.',
  'Example resource specifications include:',
  ...['-f rsrc.yaml', '--filename=rsrc.json', '<resource> <name>', '<resource>'].map((form) => `   '${form}'`),
].join('\n')
