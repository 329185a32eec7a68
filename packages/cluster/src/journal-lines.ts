/** One entry of a journal as it is read, or a line that somebody printed (a stack, a runtime's warning). */
export interface JournalLine {
  /** Milliseconds since 1970; a printed line has that of the entry before it in its file. */
  readonly timeMs: number
  /** Undefined for a printed line. */
  readonly component: string | undefined
  readonly text: string
}

/** Whether a component is the one asked for or a part of it; any run of whole names in its path will do. */
export const isPartOf = (component: string, asked: string): boolean => `/${component}/`.includes(`/${asked}/`)

/** Reads the text of one file, as `skiff journal` prints it. `timeMs` is that of lines before the first entry. */
export const readLines = (text: string, timeMs = 0): readonly JournalLine[] => {
  let nowMs = timeMs
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const read = entryOf(line)
      nowMs = read?.timeMs ?? nowMs
      return read ?? { timeMs: nowMs, component: undefined, text: line }
    })
}

interface Entry {
  readonly time: string
  readonly level: string
  readonly node?: string
  readonly component: string
  readonly message: string
  readonly facts?: Readonly<Record<string, unknown>>
}

const entryOf = (line: string): JournalLine | undefined => {
  try {
    const { time, level, node, component, message, facts = {} } = JSON.parse(line) as Entry
    const timeMs = Date.parse(time)
    if (Number.isNaN(timeMs)) return undefined
    const rest = Object.entries(facts).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    const who = node === undefined ? component : `${node} ${component}`
    return { timeMs, component, text: `${time} ${level.toUpperCase().padEnd(5)} ${who}: ${message}${rest.join('')}` }
  } catch {
    return undefined
  }
}

/** The lines of several files in one order, by time; those of one file keep theirs. Only a component's, where one is named. */
export const mergeLines = (files: readonly (readonly JournalLine[])[], asked?: string): readonly string[] =>
  files
    .flat()
    .filter(({ component }) => asked === undefined || (component !== undefined && isPartOf(component, asked)))
    .sort((a, b) => a.timeMs - b.timeMs)
    .map(({ text }) => text)
