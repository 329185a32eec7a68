import { constants } from 'node:fs'
import { access, copyFile, link, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { StoreUnusable } from '../store.ts'
import { flushDirectory, holdDirectory } from './directory.ts'
import { hasCode } from './lock.ts'
import { runTask } from './worker-link.ts'

/** Copies `file` to `path` while it is served. The path appears only when the copy is whole and durable. */
export const takeSnapshot = async (file: string, path: string): Promise<void> => {
  if (await exists(path)) throw new StoreUnusable(`${path} exists: name a new file for the snapshot`)
  const part = `${path}.part`
  await rm(part, { force: true })
  try {
    // It holds every secret of a cluster. SQLite fills an empty file that is there, and leaves its rights.
    await writeFile(part, '', { mode: 0o600 })
    await runTask({ task: 'snapshot', file, to: part })
    await rename(part, path)
    await flushDirectory(dirname(path))
  } catch (error) {
    throw new StoreUnusable(`the snapshot to ${path} failed: ${messageOf(error)}`, { cause: error })
  } finally {
    await removeDatabase(part)
  }
}

/**
 * Makes `dir` a store with the contents of the snapshot `from`, for openDurableStore to open. What was there is kept beside it as
 * `store.db.replaced`. Refuses while the store is open. Revisions go on above those that clients may have seen, and the history is
 * empty, so that every watch starts again.
 */
export const restoreSnapshot = async (from: string, dir: string): Promise<void> => {
  if (!(await exists(from))) throw new StoreUnusable(`there is no snapshot ${from}`)
  const held = await holdDirectory(dir)
  const part = `${held.file}.part`
  try {
    await removeDatabase(part)
    await copyFile(from, part, constants.COPYFILE_FICLONE)
    await runTask({ task: 'restore', file: part })
    await putAside(held.file)
    await rename(part, held.file)
    await flushDirectory(dir)
    await held.release(true)
  } catch (error) {
    await held.release(!held.unclean)
    throw new StoreUnusable(`the snapshot ${from} cannot be restored (${messageOf(error)}); ${dir} is as it was`, { cause: error })
  } finally {
    await removeDatabase(part)
  }
}

/** The old file keeps its name until the new one replaces it in one step; its log goes with it. */
const putAside = async (file: string) => {
  if (!(await exists(file))) return
  const replaced = `${file}.replaced`
  await removeDatabase(replaced)
  await link(file, replaced)
  for (const suffix of ['-wal', '-shm'])
    await rename(file + suffix, replaced + suffix).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error
    })
}

const removeDatabase = async (file: string) => {
  for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(file + suffix, { force: true })
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
