import { readFile } from 'node:fs/promises'
import { tryCommand } from './run-command.ts'

// The kernel writes blanks and backslashes in paths as octal.
const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

const within = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`)

/** Mount points in or under the given directories, the innermost first. */
export const mountsUnder = async (directories: readonly string[]): Promise<readonly string[]> => {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((path) => directories.some((directory) => within(path, directory)))
    .reverse()
}

/** Detaches all mounts under the given directories. Bind mounts of network namespaces are among them. */
export const removeMounts = async (directories: readonly string[]): Promise<void> => {
  const paths = await mountsUnder(directories)
  if (paths.length > 0) await tryCommand('umount', ['--lazy', ...paths])
}
