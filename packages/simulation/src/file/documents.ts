import { loadYaml, parseJsonText, yamlLineOf } from '@skiff/machinery'
import { FileError } from './fields.ts'

/** A document of a file, and where it stands there. */
export interface FileDocument {
  readonly value: unknown
  readonly text: string
  /** Reads it; what is wrong is told with the line of the file. */
  read<T>(act: () => T): T
}

/** The documents of a file that hold something. Throws a FileError with the line of what cannot be read. */
export const documentsOf = (text: string): readonly FileDocument[] => {
  const marks = [...text.matchAll(/^---[^\S\n]*(?:#[^\n]*)?$/gm)]
  const starts = [0, ...marks.map(({ index, 0: mark }) => index + mark.length)]
  const ends = [...marks.map(({ index }) => index), text.length]
  return starts.flatMap((start, i) => {
    const part = text.slice(start, ends[i])
    const linesBefore = text.slice(0, start).split('\n').length - 1
    const value = loaded(part, linesBefore)
    return value === null ? [] : [{ value, text: part, read: <T>(act: () => T): T => placed(part, linesBefore, act) }]
  })
}

const loaded = (text: string, linesBefore: number): unknown => {
  const whole = (message: string): string => message.replaceAll(/line (\d+)/g, (_, line: string) => `line ${Number(line) + linesBefore}`)
  try {
    const { value, duplicates } = /^\s*\{/.test(text) ? parsedJson(text) : loadYaml(text)
    if (duplicates[0] !== undefined) throw new Error(duplicates[0])
    return value
  } catch (error) {
    throw new FileError(whole((error as Error).message))
  }
}

/** Flow mappings look alike. */
const parsedJson = (text: string) => {
  try {
    return parseJsonText(text)
  } catch {
    return loadYaml(text)
  }
}

const placed = <T>(text: string, linesBefore: number, act: () => T): T => {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof FileError) || error.at === undefined) throw error
    const line = yamlLineOf(text, error.at)
    throw line === undefined ? error : new FileError(`line ${line + linesBefore}: ${error.message}`)
  }
}
