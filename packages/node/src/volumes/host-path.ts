import { mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HostPathVolumeSource } from '@skiff/api'

/** Checks, and where the type says so makes, what a hostPath volume names. Answers its path. */
export const hostPath = async ({ path, type = '' }: HostPathVolumeSource): Promise<string> => {
  const refuse = (what: string) => new Error(`hostPath type check failed: ${path} is not ${what}`)
  const info = () => stat(path).catch(() => undefined)
  switch (type) {
    case 'DirectoryOrCreate':
      await mkdir(path, { recursive: true, mode: 0o755 })
      if (!(await info())?.isDirectory()) throw refuse('a directory')
      return path
    case 'Directory':
      if (!(await info())?.isDirectory()) throw refuse('a directory')
      return path
    case 'FileOrCreate':
      if (!(await info()) && (await stat(dirname(path)).catch(() => undefined))) await (await open(path, 'a', 0o644)).close()
      if (!(await info())?.isFile()) throw refuse('a file')
      return path
    case 'File':
      if (!(await info())?.isFile()) throw refuse('a file')
      return path
    case 'Socket':
      if (!(await info())?.isSocket()) throw refuse('a socket file')
      return path
    case 'CharDevice':
      if (!(await info())?.isCharacterDevice()) throw refuse('a character device')
      return path
    case 'BlockDevice':
      if (!(await info())?.isBlockDevice()) throw refuse('a block device')
      return path
    default:
      return path
  }
}
