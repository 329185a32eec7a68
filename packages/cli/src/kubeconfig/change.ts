import type { Json, JsonObject } from '@skiff/machinery'
import { withAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import { configFiles, fileFor, type Section, withEntry, writeConfigFile } from './file.ts'

/** Merges what was said into an entry; undefined removes a field. */
export type Changes = Readonly<Record<string, Json | undefined>>

export const changed = (entry: JsonObject, changes: Changes): JsonObject =>
  Object.entries(changes).reduce((each, [key, value]) => withAt(each, [key], value === '' || value === false ? undefined : value), entry)

/** Changes an entry where it is kept, or makes it. Says whether it was there. */
export const store = ({ session }: Invocation, section: Section, name: string, change: (entry: JsonObject) => JsonObject): boolean => {
  const { path, document } = fileFor(configFiles(session), (each) => each[section].has(name))
  const entry = document[section].get(name)
  writeConfigFile(path, withEntry(document, section, name, change(entry ?? {})))
  return entry !== undefined
}

export const oneName = ({ args }: Invocation): string => {
  if (args.length !== 1) throw new UsageError(`Unexpected args: [${args.join(' ')}]`)
  return args[0] as string
}

/** Makes another context the current one. */
export const setCurrent = ({ session }: Invocation, name: string): void => {
  const { path, document } = fileFor(configFiles(session), (each) => each.currentContext !== '')
  writeConfigFile(path, { ...document, currentContext: name })
}
