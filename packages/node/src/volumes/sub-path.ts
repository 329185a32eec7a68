import { constants, lstat, mkdir, open, realpath, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PrepareSubPath } from '../config/mounts.ts'
import { runCommand } from '../containerd/run-command.ts'

/**
 * Binds a part of a volume to a place of its own. The volume's owner may turn directories into links at any time, so the part is
 * opened first, then checked to lie within the volume, and the opened file itself is bound.
 */
export const prepareSubPath =
  (podDirectory: string): PrepareSubPath =>
  async ({ volume, volumeName, containerName, index, subPath }) => {
    const refuse = (what: string) =>
      new Error(`failed to ${what} for volumeMount ${JSON.stringify(volumeName)} of container ${JSON.stringify(containerName)}`)
    const root = await realpath(volume.hostPath)
    const path = join(root, subPath)
    await makeWithin(root, subPath).catch(() => {
      throw refuse('create subPath directory')
    })
    const place = join(podDirectory, 'volume-subpaths', volumeName, containerName, String(index))
    try {
      await bindOpened(root, path, place)
    } catch {
      throw refuse('prepare subPath')
    }
    return place
  }

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

/** Makes what is missing of a directory path below `root`, never through a link that leads out of it. */
const makeWithin = async (root: string, subPath: string): Promise<void> => {
  const { mode } = await stat(root)
  let at = root
  for (const part of subPath.split('/').filter((one) => one !== '' && one !== '.')) {
    const next = join(at, part)
    if (!(await exists(next))) await mkdir(next, { mode: mode & 0o7777 })
    at = await realpath(next)
    if (at !== root && !at.startsWith(`${root}/`)) throw new Error(`${next} leads out of ${root}`)
  }
}

const bindOpened = async (root: string, path: string, place: string): Promise<void> => {
  await using file = await open(await realpath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const handle = `/proc/${process.pid}/fd/${file.fd}`
  const opened = await realpath(handle)
  if (opened !== root && !opened.startsWith(`${root}/`)) throw new Error(`${path} leads out of ${root}`)
  const isDirectory = (await file.stat()).isDirectory()
  await clearPlace(place)
  await mkdir(isDirectory ? place : dirname(place), { recursive: true, mode: 0o750 })
  if (!isDirectory) await writeFile(place, '')
  await runCommand('mount', ['--no-canonicalize', '--bind', handle, place])
}

/** An earlier instance of the container had the same place. */
const clearPlace = async (place: string): Promise<void> => {
  if (!(await exists(place))) return
  await runCommand('umount', ['--lazy', place]).catch(() => {})
  await rmdir(place).catch(() => unlink(place))
}
