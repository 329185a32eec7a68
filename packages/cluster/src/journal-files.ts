import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type JournalLine, mergeLines, readLines } from './journal-lines.ts'
import type { Place } from './place.ts'

/** The journals of a cluster: the server's, and one of each node with a process of its own. */
export const journalFiles = (place: Place): readonly string[] => {
  const nodes = join(place.dir, 'nodes')
  const names = existsSync(nodes) ? readdirSync(nodes) : []
  return [place.journal, ...names.map((name) => join(nodes, name, 'journal.log'))].filter((path) => existsSync(dirname(path)))
}

/**
 * Reads the journals in the order of time; of one component and its parts, where one is named. The first call of what it answers
 * gives all that they hold, each later one what was written since. Journals of nodes that come later are found as well.
 */
export const openJournals = (place: Place, asked?: string): (() => readonly string[]) => {
  const tails = new Map<string, () => readonly JournalLine[]>()
  return () => {
    for (const path of journalFiles(place)) if (!tails.has(path)) tails.set(path, openTail(path))
    return mergeLines(
      [...tails.values()].map((tail) => tail()),
      asked,
    )
  }
}

/** Answers the whole lines that came since it was last asked, also when the file was put aside and begun anew. */
const openTail = (path: string): (() => readonly JournalLine[]) => {
  const older = `${path}.old`
  let file: number | undefined
  let offset = 0
  let part = existsSync(older) ? readFileSync(older, 'utf8') : ''
  let lastMs = 0
  const rest = (): string => {
    if (file === undefined) return ''
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - offset))
    const read = readSync(file, bytes, 0, bytes.length, offset)
    offset += read
    return bytes.toString('utf8', 0, read)
  }
  return () => {
    let text = part + rest()
    const current = open(path)
    if (current !== undefined && (file === undefined || fstatSync(current).ino !== fstatSync(file).ino)) {
      if (file !== undefined) closeSync(file)
      file = current
      offset = 0
      text += rest()
    } else if (current !== undefined) closeSync(current)
    const end = text.lastIndexOf('\n') + 1
    part = text.slice(end)
    const lines = readLines(text.slice(0, end), lastMs)
    lastMs = lines.at(-1)?.timeMs ?? lastMs
    return lines
  }
}

const open = (path: string): number | undefined => {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}
