import { Writable } from 'node:stream'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A size is some thirty bytes; more without an end is not one. */
const longestBytes = 1_024
const isCells = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535

/** A Writable for the resize stream, JSON objects one after the other; what is none is skipped. */
export const terminalSizes = (resized: (size: TerminalSize) => void): Writable => {
  let rest = ''
  const take = (text: string): void => {
    try {
      const { Width: columns, Height: rows } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
      if (isCells(columns) && isCells(rows)) resized({ columns, rows })
    } catch {
      // Upstream stops listening at the first bad size; the next good one does no harm.
    }
  }
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const texts = `${rest}${chunk.toString('latin1')}`.split('}')
      rest = texts.pop() ?? ''
      if (rest.length > longestBytes) rest = ''
      for (const text of texts) take(`${text}}`)
      done()
    },
  })
}
