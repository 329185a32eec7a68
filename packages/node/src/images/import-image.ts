import type { Env } from '@skiff/machinery'
import { runCommand } from '../containerd/run-command.ts'
import type { Runtime } from '../runtimes/runtime.ts'
import { type ArchiveFacts, inspectArchive } from './archive.ts'
import { ImageError } from './image-error.ts'
import { normaliseImageName } from './image-name.ts'

/** A containerd's images, as its `ctr` reaches them. */
export interface ImageStore {
  readonly socketPath: string
  readonly snapshotter: string
}

export interface ImportOptions {
  /** For an archive of one image that does not name it. */
  readonly name?: string
}

const seenLimitMs = 10_000

/**
 * Imports every image of an OCI or docker archive (also gzipped) and waits until the runtime shows them. Answers their full names.
 * Throws an ImageError when the file is no such archive, or does not name its images.
 */
export const importImage = async (
  env: Env,
  store: ImageStore,
  runtime: Pick<Runtime, 'imageStatus'>,
  tarPath: string,
  { name }: ImportOptions = {},
): Promise<readonly string[]> => {
  const facts = await inspectArchive(tarPath)
  const named = [...new Set(facts.images.flatMap(({ names }) => names))]
  const unnamed = facts.images.filter(({ names }) => names.length === 0)
  if (unnamed.length > 0 && (name === undefined || facts.images.length > 1))
    throw new ImageError(`${tarPath} does not name ${facts.images.length > 1 ? 'all of its images' : 'its image'}: a name must be given`)

  const ctr = (...args: string[]) =>
    runCommand('ctr', ['--address', store.socketPath, '--namespace', 'k8s.io', 'images', ...args]).catch((error: Error) => {
      throw new ImageError(`${tarPath} could not be imported: ${error.message}`)
    })
  const snapshotter = ['--snapshotter', store.snapshotter]
  if (unnamed.length === 0) {
    await ctr('import', ...snapshotter, tarPath)
    await lengthenNames(ctr, facts)
  } else await importUnnamed(ctr, facts, snapshotter, tarPath, normaliseImageName(name ?? ''))

  const names = unnamed.length === 0 ? named : [normaliseImageName(name ?? '')]
  for (const each of names) await untilSeen(env, runtime, each)
  return names
}

// CRI looks images up by full names only.
const lengthenNames = async (ctr: (...args: string[]) => Promise<string>, { images }: ArchiveFacts): Promise<void> => {
  for (const { shortName, names } of images) {
    if (shortName === undefined) continue
    await ctr('tag', '--force', shortName, ...names)
    await ctr('remove', shortName)
  }
}

/** Gives the only image a name of our choice: it is imported under a passing one first. */
const importUnnamed = async (
  ctr: (...args: string[]) => Promise<string>,
  { images }: ArchiveFacts,
  snapshotter: readonly string[],
  tarPath: string,
  name: string,
): Promise<void> => {
  const passing = `skiff.local/import/${process.pid}`
  await ctr('import', ...snapshotter, '--base-name', passing, '--digests', tarPath)
  const imported = (await ctr('list', '--quiet'))
    .split('\n')
    .filter((line) => line.startsWith(`${passing}@`) || line.startsWith(`${passing}:`))
  const source = imported.find((line) => images[0]?.digest !== undefined && line.endsWith(images[0].digest)) ?? imported[0]
  if (source === undefined) throw new ImageError(`${tarPath} holds no image for this machine`)
  await ctr('tag', '--force', source, name)
  await ctr('remove', ...imported)
}

// CRI learns of an import by an event of containerd, some milliseconds later.
const untilSeen = async (env: Env, runtime: Pick<Runtime, 'imageStatus'>, name: string): Promise<void> => {
  const deadlineMs = env.monotonicMs() + seenLimitMs
  while ((await runtime.imageStatus(name)) === undefined) {
    if (env.monotonicMs() > deadlineMs) throw new ImageError(`${name} was imported, but the runtime does not show it`)
    await env.sleep(10)
  }
}
