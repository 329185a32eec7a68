import { parseDurationMs } from '@skiff/machinery'
import { UsageError } from './usage-error.ts'

/**
 * A flag as `name|short:kind`, with kind one of bool, string, int, duration, list (commas divide) and array (each use is one), and
 * `=value` for its default or `?value` for what it means when it stands alone: `dry-run:string?unchanged`, `wait:bool=true`.
 */
export type FlagSpec = string

interface Flag {
  readonly name: string
  readonly short: string | undefined
  readonly kind: 'bool' | 'string' | 'int' | 'duration' | 'list' | 'array'
  /** Its meaning without a value; undefined: a value must follow. */
  readonly bare: string | undefined
  readonly initial: string | undefined
}

/** What was said on the command line. */
export interface Flags {
  has(name: string): boolean
  bool(name: string): boolean
  text(name: string): string | undefined
  int(name: string): number | undefined
  durationMs(name: string): number | undefined
  list(name: string): readonly string[]
}

export interface ParsedArguments {
  readonly flags: Flags
  readonly args: readonly string[]
  /** How many of `args` stood before `--`; undefined where there was none. */
  readonly dashAt: number | undefined
}

const specPattern = /^([\w-]+)(?:\|(\w))?:(bool|string|int|duration|list|array)(?:\?([^=]*))?(?:=(.*))?$/

const readSpec = (spec: FlagSpec): Flag => {
  const match = specPattern.exec(spec)
  if (!match) throw new Error(`bad flag specification ${spec}`)
  const kind = match[3] as Flag['kind']
  return { name: match[1] as string, short: match[2], kind, bare: match[4] ?? (kind === 'bool' ? 'true' : undefined), initial: match[5] }
}

const booleans: Readonly<Record<string, boolean>> = {
  ...{ 1: true, t: true, T: true, true: true, TRUE: true, True: true },
  ...{ 0: false, f: false, F: false, false: false, FALSE: false, False: false },
}

const check = (flag: Flag, shown: string, value: string): void => {
  const wrong = (why: string) => new UsageError(`invalid argument ${JSON.stringify(value)} for ${JSON.stringify(shown)} flag: ${why}`)
  if (flag.kind === 'bool' && !Object.hasOwn(booleans, value))
    throw wrong(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`)
  if (flag.kind === 'int' && !/^[+-]?\d+$/.test(value)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  if (flag.kind !== 'duration') return
  try {
    parseDurationMs(value)
  } catch {
    throw wrong(`time: invalid duration ${JSON.stringify(value)}`)
  }
}

const shownName = (flag: Flag): string => (flag.short ? `-${flag.short}, --${flag.name}` : `--${flag.name}`)

/** Reads words as pflag does: flags anywhere, `--a=b`, `--a b`, `-ab`, `-nvalue`, and nothing more after `--`. */
export const parseFlags = (words: readonly string[], specs: readonly FlagSpec[]): ParsedArguments => {
  const flags = specs.map(readSpec)
  const said = new Map<string, string[]>()
  const args: string[] = []
  let dashAt: number | undefined
  const note = (flag: Flag, value: string): void => {
    check(flag, shownName(flag), value)
    said.set(flag.name, [...(said.get(flag.name) ?? []), value])
  }
  let at = 0
  const follow = (flag: Flag, shown: string): void => {
    if (at >= words.length) throw new UsageError(`flag needs an argument: ${shown}`)
    note(flag, words[at++] as string)
  }
  const long = (word: string): void => {
    const [, name = '', value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? []
    const flag = flags.find((each) => each.name === name)
    if (!flag) throw new UsageError(`unknown flag: --${name}`)
    if (value !== undefined) note(flag, value)
    else if (flag.bare !== undefined) note(flag, flag.bare)
    else follow(flag, `--${name}`)
  }
  const shorts = (word: string): void => {
    for (let i = 1; i < word.length; i++) {
      const flag = flags.find((each) => each.short === word[i])
      const rest = word.slice(i + 1)
      if (!flag) throw new UsageError(`unknown shorthand flag: '${word[i]}' in -${word.slice(i)}`)
      const taken = rest.startsWith('=') ? rest.slice(1) : flag.bare === undefined && rest !== '' ? rest : undefined
      if (taken === undefined && flag.bare !== undefined) note(flag, flag.bare)
      else if (taken === undefined) follow(flag, `'${word[i]}' in -${word.slice(i)}`)
      else {
        note(flag, taken)
        break
      }
    }
  }
  while (at < words.length) {
    const word = words[at++] as string
    if (word === '--') {
      dashAt = args.length
      args.push(...words.slice(at))
      break
    }
    if (word.startsWith('--')) long(word)
    else if (word.startsWith('-') && word.length > 1) shorts(word)
    else args.push(word)
  }
  return { flags: flagsOf(flags, said), args, dashAt }
}

const flagsOf = (known: readonly Flag[], said: ReadonlyMap<string, readonly string[]>): Flags => {
  const text = (name: string): string | undefined => said.get(name)?.at(-1) ?? known.find((flag) => flag.name === name)?.initial
  return {
    has: (name) => said.has(name),
    text,
    bool: (name) => booleans[text(name) ?? 'false'] === true,
    int: (name) => (text(name) === undefined ? undefined : Number(text(name))),
    durationMs: (name) => (text(name) === undefined ? undefined : parseDurationMs(text(name) as string)),
    list: (name) => {
      const initial = text(name)
      const values = said.get(name) ?? (initial === undefined ? [] : [initial])
      return known.find((flag) => flag.name === name)?.kind === 'list' ? values.flatMap((value) => value.split(',')) : values
    },
  }
}

/** The lines of `--help` about flags. */
export const flagHelp = (specs: readonly FlagSpec[]): string =>
  specs
    .map(readSpec)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(
      (flag) =>
        `    ${flag.short ? `-${flag.short}, ` : ''}--${flag.name}=${flag.kind === 'bool' ? (flag.initial ?? 'false') : flag.kind === 'list' || flag.kind === 'array' ? '[]' : flag.kind === 'int' ? (flag.initial ?? '0') : `'${flag.initial ?? ''}'`}`,
    )
    .join('\n')
