import { existsSync, readFileSync } from 'node:fs'

/** A process, told apart from a later one with the same id by the time of its start. */
export interface ProcessMark {
  readonly pid: number
  /** Field 22 of /proc/PID/stat; empty on a machine without /proc, where only the id is known. */
  readonly startTicks: string
}

/** Undefined when there is no such process. */
export const markOf = (pid: number): ProcessMark | undefined => {
  if (!existsSync('/proc/self/stat')) return answersSignals(pid) ? { pid, startTicks: '' } : undefined
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : { pid, startTicks: fields[19] as string }
  } catch {
    return undefined
  }
}

const answersSignals = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export const isRunning = (mark: ProcessMark | undefined): boolean => mark !== undefined && markOf(mark.pid)?.startTicks === mark.startTicks
