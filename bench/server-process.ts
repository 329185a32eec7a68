import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A server in a process of its own, which answers with lines of JSON. */
export const spawnServer = (args: readonly string[]) => {
  const server = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const nextLine = async (): Promise<unknown> => {
    const line = await lines.next()
    if (line.done) throw new Error('the server ended')
    return JSON.parse(line.value)
  }
  return { server, ended, nextLine }
}

/** User and system time of a process's threads so far, in microseconds. A tick is 10 ms on every Linux in use. */
export const cpuMicrosOf = (pid: number | undefined): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** Memory of a process, in MiB: all that is resident, or the anonymous part of it. */
export const memoryMbOf = (pid: number | undefined, field: 'RssAnon' | 'VmRSS'): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
}
