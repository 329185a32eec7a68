import type { JsonObject } from '@skiff/machinery'
import { textAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { oneName, setCurrent } from './change.ts'
import { configFiles, fileFor, type Section, withEntry, writeConfigFile } from './file.ts'

export const useContext: Verb = {
  usage: 'CONTEXT_NAME',
  flags: [],
  run: async (invocation) => {
    const { session } = invocation
    const name = oneName(invocation)
    if (!configFiles(session).some(({ document }) => document.contexts.has(name)))
      throw new UsageError(`no context exists with the name: ${JSON.stringify(name)}`)
    setCurrent(invocation, name)
    session.say(`Switched to context ${JSON.stringify(name)}.`)
    return 0
  },
}

export const renameContext: Verb = {
  usage: 'CONTEXT_NAME NEW_NAME',
  flags: [],
  run: async ({ session, args }) => {
    const [from, to] = args
    if (from === undefined || to === undefined || args.length > 2) throw new UsageError(`Unexpected args: [${args.join(' ')}]`)
    const files = configFiles(session)
    const { path, document } = fileFor(files, (each) => each.contexts.has(from))
    const entry = document.contexts.get(from)
    if (!entry) throw new UsageError(`cannot rename the context ${JSON.stringify(from)}, it's not in ${path}`)
    if (files.some((each) => each.document.contexts.has(to)))
      throw new UsageError(`cannot rename the context ${JSON.stringify(from)}, the context ${JSON.stringify(to)} already exists in ${path}`)
    const moved = withEntry(withEntry(document, 'contexts', from, undefined), 'contexts', to, entry)
    writeConfigFile(path, { ...moved, currentContext: document.currentContext === from ? to : document.currentContext })
    session.say(`Context ${JSON.stringify(from)} renamed to ${JSON.stringify(to)}.`)
    return 0
  },
}

/** delete-cluster, delete-context, delete-user. */
export const deleteEntry = (section: Section, one: string): Verb => ({
  usage: 'NAME',
  flags: [],
  run: async ({ session, args }) => {
    const [name] = args
    if (args.length !== 1 || !name)
      throw new UsageError(section === 'users' ? 'user to delete is required' : `you must specify the name of a ${one} to delete`, 1, true)
    const { path, document } = fileFor(configFiles(session), (each) => each[section].has(name))
    if (!document[section].has(name)) throw new UsageError(`cannot delete ${one} ${name}, not in ${path}`)
    if (section === 'contexts' && document.currentContext === name)
      session.complain('warning: this removed your active context, use "kubectl config use-context" to select a different one')
    writeConfigFile(path, withEntry(document, section, name, undefined))
    session.say(`deleted ${one} ${name} from ${path}`)
    return 0
  },
})

export const namesOf = (section: Section): Verb => ({
  usage: '',
  flags: [],
  run: async ({ session }) => {
    const names = new Set(configFiles(session).flatMap(({ document }) => [...document[section].keys()]))
    session.say('NAME')
    for (const name of [...names].sort()) session.say(name)
    return 0
  },
})

export const contextRow = (name: string, entry: JsonObject, current: boolean): string[] => [
  current ? '*' : '',
  name,
  ...['cluster', 'user', 'namespace'].map((key) => textAt(entry, key)),
]
