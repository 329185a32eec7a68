import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const writableBits = 0o660
const readableBits = 0o440
const directoryBits = 0o110
const setGid = 0o2000

export interface OwnershipOptions {
  readonly readOnly?: boolean
  /** Leave the contents alone when the top directory is as it should be. */
  readonly onRootMismatch?: boolean
}

/** Gives a volume to the pod's fsGroup: group, rights for the group, and new files inherit the group. */
export const giveToGroup = async (path: string, gid: number, options: OwnershipOptions = {}): Promise<void> => {
  const bits = options.readOnly ? readableBits : writableBits
  if (options.onRootMismatch) {
    const { gid: has, mode } = await lstat(path)
    const wanted = bits | directoryBits | setGid
    if (has === gid && (mode & wanted) === wanted) return
  }
  await give(path, gid, bits)
}

const give = async (path: string, gid: number, bits: number): Promise<void> => {
  const info = await lstat(path)
  await lchown(path, info.uid, gid)
  if (info.isSymbolicLink()) return
  const mode = (info.mode & 0o7777) | bits | (info.isDirectory() ? directoryBits | setGid : 0)
  await chmod(path, mode)
  // Contents first would race with nothing, but a listing needs no right that is missing here: this process is root.
  if (info.isDirectory()) for (const name of await readdir(path)) await give(join(path, name), gid, bits)
}
