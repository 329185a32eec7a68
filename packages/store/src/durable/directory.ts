import { type FileHandle, mkdir, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreUnusable } from '../store.ts'
import { hasCode, isLockFile, takeLock } from './lock.ts'

const MARKER = 'skiff-store'
const FORMAT = 1
/** Found at the root of a file system of its own. */
const HARMLESS = ['lost+found']

/** A directory of which this process is the only owner. */
export interface HeldDirectory {
  /** The database. */
  readonly file: string
  /** The last owner did not close it: it was killed, or the machine stopped. */
  readonly unclean: boolean
  /** `clean`: the file was closed in order and needs no check next time. */
  release(clean: boolean): Promise<void>
}

/** Makes the directory where there is none. Throws StoreUnusable when it belongs to something else or to someone else. */
export const holdDirectory = async (dir: string): Promise<HeldDirectory> => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await checkMarker(dir)
  const lock = await takeLock(dir)
  const file = join(dir, 'store.db')
  return { file, unclean: lock.stale || (await sizeOf(`${file}-wal`)) > 0, release: lock.release }
}

const checkMarker = async (dir: string) => {
  const others = (await readdir(dir)).filter((name) => name !== MARKER && !isLockFile(name) && !HARMLESS.includes(name))
  const found = await readFile(join(dir, MARKER), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  })
  if (found === '' && others.length === 0) return writeMarker(dir)
  const format = /^skiff store (\d+)\n$/.exec(found)?.[1]
  if (format === undefined)
    throw new StoreUnusable(`${dir} is not empty and not a store of Skiff (found ${others[0] ?? MARKER}): name an empty or new directory`)
  if (Number(format) > FORMAT)
    throw new StoreUnusable(
      `${dir} has format ${format}, written by a newer Skiff; this one reads format ${FORMAT}: use the newer program, or name another directory`,
    )
}

const writeMarker = async (dir: string) => {
  const file = await open(join(dir, MARKER), 'w')
  await file.writeFile(`skiff store ${FORMAT}\n`)
  await flushed(file)
  await flushDirectory(dir)
}

/** A new name in a directory is durable only when the directory is. */
export const flushDirectory = async (dir: string): Promise<void> => flushed(await open(dir, 'r'))

const flushed = async (file: FileHandle) => {
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const sizeOf = async (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  )
