/** One command of a transcript and what it prints, both outputs in one, with `[code]` as the last line when it fails. */
export interface Step {
  readonly line: number
  /** For the shell. */
  readonly command: string
  /** The first minor version of kubectl that knows the command. */
  readonly fromMinor: number
  readonly expected: readonly string[]
}

/** Reads `$ command` lines, each followed by its output; `$1.29+ command` is left out for older kubectls. `# ` lines are remarks. */
export const readTranscript = (text: string): readonly Step[] => {
  const steps: (Step & { expected: string[] })[] = []
  for (const [index, line] of text.replace(/\n$/, '').split('\n').entries()) {
    if (line.startsWith('# ')) continue
    const start = /^\$(?:1\.(\d+)\+)? (.*)$/.exec(line)
    if (start) steps.push({ line: index + 1, command: start[2] ?? '', fromMinor: Number(start[1] ?? 0), expected: [] })
    else steps.at(-1)?.expected.push(line)
  }
  return steps
}

/** Whether a transcript is meant for a client: `# only 27 33 skiff` names the ones that it is for, absent for all. */
export const isFor = (text: string, client: number | 'skiff'): boolean => {
  const only = /^# only ([\w ]+)$/m.exec(text)?.[1]
  return only === undefined || only.split(' ').includes(String(client))
}

/** Whether what was printed is what is expected: `…` stands for anything within a line, alone for any lines. */
export const matches = (expected: readonly string[], printed: string): boolean => {
  const line = (text: string) => `${text.split('…').map(escaped).join('[^\\n]*')}\n`
  const pattern = expected.map((text) => (text === '…' ? '(?:[^\\n]*\\n)*' : line(text))).join('')
  return new RegExp(`^${pattern}$`).test(printed)
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
