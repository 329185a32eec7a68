import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Pack, pack } from 'tar-stream'
import { ImageError } from './image-error.ts'

type EntryHeader = Parameters<Pack['entry']>[0]

export interface Blob {
  /** `sha256:…`. */
  readonly digest: string
  readonly sizeBytes: number
}

/** Counts and hashes what passes through. */
export const digesting = (): { readonly through: Transform; readonly result: () => Blob } => {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      sizeBytes += chunk.length
      done(null, chunk)
    },
  })
  return { through, result: () => ({ digest: `sha256:${hash.digest('hex')}`, sizeBytes }) }
}

/** Writes a directory as a tar that is the same for the same content: sorted, owned by root, all times 1970. */
export const writeLayer = async (fromDir: string, out: string): Promise<Blob> => {
  const tar = pack()
  const { through, result } = digesting()
  const written = pipeline(tar, through, createWriteStream(out))
  const walked = addDirectory(tar, fromDir, '', new Map())
    .then(() => tar.finalize())
    .catch((error: Error) => tar.destroy(error))
  await Promise.all([written, walked])
  return result()
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** `links`: device and inode of what was written already and has more names. */
const addDirectory = async (tar: Pack, root: string, within: string, links: Map<string, string>): Promise<void> => {
  for (const name of (await readdir(join(root, within))).sort(byBytes)) await addEntry(tar, root, join(within, name), links)
}

const addEntry = async (tar: Pack, root: string, path: string, links: Map<string, string>): Promise<void> => {
  const file = join(root, path)
  const stat = await lstat(file)
  const header = { name: path, mode: stat.mode & 0o7777, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' }
  if (stat.isDirectory()) {
    await add(tar, { ...header, name: `${path}/`, type: 'directory' })
    return addDirectory(tar, root, path, links)
  }
  if (stat.isSymbolicLink()) return add(tar, { ...header, mode: 0o777, type: 'symlink', linkname: await readlink(file) })
  if (stat.isFIFO()) return add(tar, { ...header, type: 'fifo' })
  // A socket means nothing without the process that listens on it.
  if (stat.isSocket()) return
  if (!stat.isFile()) throw new ImageError(`${file} is neither a file, a directory nor a link`)
  const inode = `${stat.dev}:${stat.ino}`
  const first = links.get(inode)
  if (first !== undefined) return add(tar, { ...header, type: 'link', linkname: first })
  if (stat.nlink > 1) links.set(inode, path)
  await addContent(tar, { ...header, type: 'file', size: stat.size }, file)
}

const add = (tar: Pack, header: EntryHeader): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    // A file without content must still be ended.
    if (header.type === 'file' || header.type === undefined) tar.entry(header, Buffer.alloc(0), done)
    else tar.entry(header, done)
  })

/** Adds a file's content; refuses a file that changes its size meanwhile. */
export const addContent = async (tar: Pack, header: EntryHeader, file: string): Promise<void> => {
  if (header.size === 0) return add(tar, header)
  await new Promise<void>((resolve, reject) => {
    const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()))
    pipeline(createReadStream(file), entry).catch(() => reject(new ImageError(`${file} could not be read, or changed meanwhile`)))
  })
}
