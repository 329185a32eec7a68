import { randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Payload, PayloadFile } from './payload.ts'

const dataLink = '..data'

/**
 * Makes a directory hold exactly these files, so that a reader sees all of the old or all of the new: the files lie in a directory
 * of their own, which the link `..data` names; what users see are links through it, and one rename changes everything.
 * `prepare` may change the new directory before it is shown. Answers whether anything changed.
 */
export const writeAtomically = async (
  target: string,
  payload: Payload,
  nowMs: number,
  prepare: (directory: string) => Promise<void> = async () => {},
): Promise<boolean> => {
  for (const path of payload.keys()) checkPath(path)
  const old = await readlink(join(target, dataLink)).catch(() => undefined)
  if (old !== undefined && (await holds(join(target, old), payload))) {
    await linkAll(target, payload)
    return false
  }
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-T:]/g, '_')
  const fresh = `..${stamp}.${randomBytes(4).readUInt32BE()}`
  await mkdir(join(target, fresh), { mode: 0o755 })
  await chmod(join(target, fresh), 0o755)
  await Promise.all([...payload].map(([path, file]) => writeOne(join(target, fresh, path), file)))
  await prepare(join(target, fresh))
  await rm(join(target, `${dataLink}_tmp`), { force: true })
  await symlink(fresh, join(target, `${dataLink}_tmp`))
  await rename(join(target, `${dataLink}_tmp`), join(target, dataLink))
  await linkAll(target, payload)
  await removeOthers(target, payload, fresh)
  return true
}

const checkPath = (path: string): void => {
  const parts = path.split('/')
  if (path === '' || path.startsWith('/') || parts.includes('..')) throw new Error(`invalid path: ${path}`)
  if (path.startsWith('..')) throw new Error(`file name must not start with '..': ${path}`)
}

const writeOne = async (path: string, { data, mode, uid }: PayloadFile): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  await writeFile(path, data, { mode })
  // The umask must not take anything away.
  await chmod(path, mode)
  if (uid !== undefined) await chown(path, uid, 0)
}

/** The directory has these files with these contents, and no others. */
const holds = async (directory: string, payload: Payload): Promise<boolean> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
  if (files.length !== payload.size) return false
  for (const path of files) {
    const wanted = payload.get(path)
    if (!wanted || !(await readFile(join(directory, path))).equals(wanted.data)) return false
    if (((await lstat(join(directory, path))).mode & wanted.mode & 0o777) !== (wanted.mode & 0o777)) return false
  }
  return true
}

const tops = (payload: Payload): Set<string> => new Set([...payload.keys()].map((path) => path.split('/')[0] as string))

const linkAll = async (target: string, payload: Payload): Promise<void> => {
  for (const name of tops(payload)) {
    const wanted = `${dataLink}/${name}`
    if ((await readlink(join(target, name)).catch(() => undefined)) === wanted) continue
    await rm(join(target, name), { force: true, recursive: true })
    await symlink(wanted, join(target, name))
  }
}

const removeOthers = async (target: string, payload: Payload, fresh: string): Promise<void> => {
  const kept = new Set([...tops(payload), fresh, dataLink])
  for (const name of await readdir(target)) if (!kept.has(name)) await rm(join(target, name), { force: true, recursive: true })
}
