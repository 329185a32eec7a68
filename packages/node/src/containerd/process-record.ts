import { readFile, rename, writeFile } from 'node:fs/promises'

/** A process, told apart from a later one with the same id by its start time. */
export interface ProcessRecord {
  readonly pid: number
  /** Clock ticks between boot and its start. */
  readonly startTicks: string
}

/** What /proc says of a process; undefined when there is none, or only a zombie is left. */
export const recordOf = async (pid: number): Promise<ProcessRecord | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The command's name stands in parentheses and may itself contain some.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  const startTicks = fields?.[19]
  return startTicks === undefined || fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : { pid, startTicks }
}

export const isAlive = async (record: ProcessRecord): Promise<boolean> => (await recordOf(record.pid))?.startTicks === record.startTicks

export const writeRecord = async (path: string, record: ProcessRecord): Promise<void> => {
  await writeFile(`${path}.new`, JSON.stringify(record))
  await rename(`${path}.new`, path)
}

/** The recorded process, if it still lives. */
export const readRecord = async (path: string): Promise<ProcessRecord | undefined> => {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as ProcessRecord
    return (await isAlive(record)) ? record : undefined
  } catch {
    return undefined
  }
}

/** Sends a signal; false when it had ended. */
export const signal = async (record: ProcessRecord, name: NodeJS.Signals): Promise<boolean> => {
  if (!(await isAlive(record))) return false
  try {
    return process.kill(record.pid, name)
  } catch {
    return false
  }
}
