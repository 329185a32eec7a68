/** Where lines go. */
export type Print = (line: string) => void

/** What happened, told by the second: equal things that happen to equal subjects within one are told together. */
export interface Timeline {
  /** Something that may happen to many at once: `subject` is who they are, `detail` which of them, or where. */
  count(subject: string, what: string, detail?: string): void
  /** Something that happens to one. */
  tell(subject: string, what: string): void
  /** A line of its own, after all that was told before. */
  line(mark: string, text: string): void
  flush(): void
}

interface Counted {
  count: number
  readonly details: Map<string, number>
}
interface Told {
  readonly counted: Map<string, Counted>
  readonly told: string[]
}

const mostDetails = 4

/** `HH:MM:SS` since the start; longer traces have more hours. */
export const clockText = (ms: number): string => {
  const seconds = Math.floor(ms / 1_000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

export const createTimeline = (sinceStartMs: () => number, print: Print): Timeline => {
  let second = 0
  const subjects = new Map<string, Told>()
  const flush = (): void => {
    for (const [subject, told] of subjects) print(`${clockText(second * 1_000)}    ${subject}: ${textOf(told)}`)
    subjects.clear()
  }
  const of = (subject: string): Told => {
    const now = Math.floor(sinceStartMs() / 1_000)
    if (now !== second) flush()
    second = now
    const told = subjects.get(subject) ?? { counted: new Map(), told: [] }
    subjects.set(subject, told)
    return told
  }
  return {
    count: (subject, what, detail) => {
      const { counted } = of(subject)
      const entry = counted.get(what) ?? { count: 0, details: new Map() }
      counted.set(what, entry)
      entry.count += 1
      if (detail !== undefined) entry.details.set(detail, (entry.details.get(detail) ?? 0) + 1)
    },
    tell: (subject, what) => {
      const { told } = of(subject)
      if (!told.includes(what)) told.push(what)
    },
    line: (mark, text) => {
      flush()
      second = Math.floor(sinceStartMs() / 1_000)
      print(`${clockText(sinceStartMs())}  ${mark} ${text}`)
    },
    flush,
  }
}

const textOf = ({ counted, told }: Told): string =>
  [...told, ...[...counted].map(([what, { count, details }]) => `${count} ${what}${detailText(details)}`)].join(', ')

const detailText = (details: ReadonlyMap<string, number>): string => {
  if (details.size === 0) return ''
  const shown = [...details].slice(0, mostDetails).map(([name, count]) => (count > 1 ? `${name} ×${count}` : name))
  const more = details.size - shown.length
  return ` (${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''})`
}
