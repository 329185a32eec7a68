import type { Command } from 'commander'
import { errorText } from './error-text.ts'
import { type FlagSpec, type Flags, flagHelp, parseFlags } from './flags.ts'
import { groupHelp, isAnsweredOnOutput } from './group-words.ts'
import { klogHead } from './klog.ts'
import { rootHelp, suggestions } from './root-words.ts'
import { connectionFlags, type KubectlDeps, openSession } from './session.ts'
import { SilentExit, UsageError } from './usage-error.ts'
import type { Verb, VerbGroup } from './verb.ts'
import { aliases, verbs } from './verbs.ts'

const isGroup = (verb: Verb | VerbGroup): verb is VerbGroup => 'parts' in verb

interface Found {
  readonly verb: Verb
  readonly path: string
  readonly words: readonly string[]
}

/** A verb with parts of which none was named: its help is the answer. */
class PartNeeded extends Error {
  readonly group: VerbGroup
  readonly path: string
  constructor(group: VerbGroup, path: string) {
    super(`must specify one of: ${Object.keys(group.parts).join(', ')}`)
    this.group = group
    this.path = path
  }
}

/** Goes down groups: the first words that are no flags name the part. */
const descend = (entry: Verb | VerbGroup, path: string, words: readonly string[]): Found => {
  if (!isGroup(entry)) return { verb: entry, path, words }
  const at = partAt(words)
  const word = words[at]
  const name = word === undefined ? undefined : (entry.aliases?.[word] ?? word)
  const part = name === undefined || !Object.hasOwn(entry.parts, name) ? undefined : entry.parts[name]
  if (part) return descend(part, `${path} ${name}`, [...words.slice(0, at), ...words.slice(at + 1)])
  if (entry.alone) return { verb: entry.alone, path, words }
  if (word === undefined) throw new PartNeeded(entry, path)
  const said = plainWords(words)
  throw new UsageError(`unknown command ${JSON.stringify(said.join(' '))}\nSee 'kubectl ${path} -h' for help and examples`)
}

/** The first word that is neither a flag nor the value of a connection flag. */
const partAt = (words: readonly string[]): number => {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (!word.startsWith('-')) return i
    if (takesValue(word)) i += 1
  }
  return words.length
}

/** Without flags and the values of connection flags. */
const plainWords = (words: readonly string[]): string[] =>
  words.filter((word, i) => !word.startsWith('-') && !(i > 0 && isFlagWithValue(words[i - 1] as string)))
const isFlagWithValue = (word: string): boolean => word.startsWith('-') && takesValue(word)

const takesValue = (word: string): boolean =>
  !word.includes('=') &&
  connectionFlags.some(
    (spec) =>
      !spec.includes(':bool') &&
      (spec.startsWith(`${word.slice(2)}:`) ||
        spec.startsWith(`${word.slice(2)}|`) ||
        (word.length === 2 && spec.includes(`|${word[1]}:`))),
  )

const helpText = (name: string, path: string, verb: Verb): string =>
  `Usage:\n  ${name} ${path} ${verb.usage} [options]\n\nOptions:\n${flagHelp(verb.flags)}\n\nUse "${name} options" for a list of global command-line options (applies to all commands).\n`

/**
 * Runs `get pods -n kube-system` and the like, with what was said before the verb in `before`. Gives the exit code; errors are printed.
 */
export const runKubectl = async (words: readonly string[], deps: KubectlDeps): Promise<number> => {
  const at = partAt(words)
  const word = words[at] ?? ''
  const name = aliases[word] ?? word
  const say = (text: string): void => void deps.stderr.write(`${text}\n`)
  let close = (): void => {}
  let path = name
  let failure = 1
  try {
    const load = Object.hasOwn(verbs, name) ? verbs[name]?.load : undefined
    if (!load) {
      const help = await rootHelp(words, deps.name ?? 'kubectl')
      if (help === undefined)
        throw new UsageError(`unknown command ${JSON.stringify(word)} for "kubectl"${suggestions(word, Object.keys(verbs))}`)
      deps.stdout.write(help)
      return 0
    }
    const found = descend(await load(), name, [...words.slice(0, at), ...words.slice(at + 1)])
    const dashes = found.words.indexOf('--')
    const own = dashes < 0 ? found.words : found.words.slice(0, dashes)
    if (own.includes('--help') || (own.includes('-h') && !found.verb.flags.some((spec) => spec.includes('|h:')))) {
      deps.stdout.write(helpText(deps.name ?? 'kubectl', found.path, found.verb))
      return 0
    }
    path = found.path
    failure = found.verb.failsWith ?? 1
    const parsed = parsing(found, deps)
    refuseWithout(found.verb, parsed.flags)
    if (parsed.flags.text('dry-run') === 'unchanged')
      say(`${klogHead('W', deps.env)} helpers.go:703] --dry-run is deprecated and can be replaced with --dry-run=client.`)
    const session = openSession(deps, withoutOwn(parsed.flags, found.verb.flags))
    close = session.close
    return (await found.verb.run({ ...parsed, session })) ?? 0
  } catch (error) {
    if (error instanceof SilentExit) return error.exitCode
    if (error instanceof PartNeeded) {
      const isAsked = words.some((each) => each === '--help' || each === '-h')
      const out = isAsked || isAnsweredOnOutput(error.path) ? deps.stdout : deps.stderr
      out.write(groupHelp(deps.name ?? 'kubectl', error.path, error.group))
      return isAsked ? 0 : 1
    }
    const hint = error instanceof UsageError && error.seeHelp ? `\nSee '${deps.name ?? 'kubectl'} ${path} -h' for help and examples` : ''
    say(errorText(error) + hint)
    return error instanceof UsageError && error.exitCode !== 1 ? error.exitCode : failure
  } finally {
    close()
  }
}

const nameOfSpec = (spec: FlagSpec): string => spec.split(/[|:]/)[0] as string

/** The flags without those that a verb has for itself, such as --user of `create rolebinding`. */
const withoutOwn = (flags: Flags, specs: readonly FlagSpec[]): Flags => {
  const own = new Set(specs.map(nameOfSpec))
  return {
    ...flags,
    has: (name) => !own.has(name) && flags.has(name),
    text: (name) => (own.has(name) ? undefined : flags.text(name)),
  }
}

const refuseWithout = (verb: Verb, flags: Flags): void => {
  const missing = (verb.required ?? []).filter((name) => !flags.has(name))
  if (missing.length > 0) throw new UsageError(`required flag(s) ${missing.map((name) => JSON.stringify(name)).join(', ')} not set`)
}

const parsing = (found: Found, deps: KubectlDeps) => {
  try {
    const own = new Set(found.verb.flags.map(nameOfSpec))
    return parseFlags(found.words, [...found.verb.flags, ...connectionFlags.filter((spec) => !own.has(nameOfSpec(spec)))])
  } catch (error) {
    if (error instanceof UsageError)
      throw new UsageError(`${error.message}\nSee '${deps.name ?? 'kubectl'} ${found.path} --help' for usage.`)
    throw error
  }
}

/** Adds kubectl's verbs to a commander program. Each is loaded when it is called; their flags are read as kubectl's are. */
export const addKubectlVerbs = (program: Command, deps: KubectlDeps & { readonly exit?: (code: number) => void }): void => {
  program.enablePositionalOptions()
  const exit =
    deps.exit ??
    ((code: number): void => {
      process.exitCode = code
    })
  const taken = new Set(program.commands.map((command) => command.name()))
  for (const [name, { about }] of Object.entries(verbs)) {
    if (taken.has(name)) continue
    const command = program
      .command(name)
      .description(about)
      .helpOption(false)
      .allowUnknownOption()
      .allowExcessArguments()
      .passThroughOptions()
      .argument('[words...]')
      .action(async (_words, _options, self: Command) => exit(await runKubectl([name, ...self.args], deps)))
    for (const [alias, of] of Object.entries(aliases)) if (of === name) command.alias(alias)
  }
}
