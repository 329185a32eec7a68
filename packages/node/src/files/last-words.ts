import { open } from 'node:fs/promises'
import type { ReadLastWords } from '../agent/observe.ts'
import { annotations } from '../pods/naming.ts'
import type { ContainerInfo } from '../runtimes/runtime.ts'

const maxMessageBytes = 4 * 1024
const maxLogBytes = 2 * 1024
const maxLogLines = 80

/** The file that the container left its last words in, or the end of its log where its policy says so and it failed. */
export const readLastWords: ReadLastWords = async (info) => {
  const path = info.annotations[annotations.terminationMessagePath]
  const fallback = info.annotations[annotations.terminationMessagePolicy] === 'FallbackToLogsOnError' && info.exitCode !== 0
  const file = path === undefined ? undefined : hostPathOf(info, path)
  const words = file === undefined ? '' : await readEnd(file, maxMessageBytes)
  if (words !== '' || !fallback || info.reason === 'ContainerCannotRun') return words
  return lastLines(await readEnd(info.logPath, 64 * 1024))
}

const hostPathOf = (info: ContainerInfo, path: string): string | undefined =>
  path === '' ? undefined : info.mounts.find(({ containerPath }) => containerPath === (path.startsWith('/') ? path : `/${path}`))?.hostPath

const readEnd = async (path: string, limit: number): Promise<string> => {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    const from = Math.max(0, size - limit)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, limit)), 0, Math.min(size, limit), from)
    return buffer.subarray(0, bytesRead).toString('utf8')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? '' : `Error on reading termination log ${path}: ${String(error)}`
  }
}

/** Messages of the last lines of a log in the runtime interface's format. */
const lastLines = (log: string): string => {
  const lines = log.split('\n').filter((line) => line !== '')
  const texts = lines.slice(-maxLogLines).map((line) => {
    const [, , tag = 'F', ...rest] = line.split(' ')
    return `${rest.join(' ')}${tag.startsWith('P') ? '' : '\n'}`
  })
  return Buffer.from(texts.join('')).subarray(-maxLogBytes).toString('utf8')
}
