import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract } from 'tar-stream'
import { ImageError } from './image-error.ts'
import { normaliseImageName } from './image-name.ts'

export interface ArchivedImage {
  /** Full names; empty when the archive names it not. */
  readonly names: readonly string[]
  /** The name as it is written, where containerd's import would keep it so instead of making it a full one. */
  readonly shortName?: string
  /** Digest of the manifest or index (OCI only). */
  readonly digest?: string
  /** Digest of the config, where the archive's top level tells it (docker only). */
  readonly id?: string
}

export interface ArchiveFacts {
  readonly format: 'oci' | 'docker'
  readonly images: readonly ArchivedImage[]
}

const maxDocumentBytes = 4 * 1024 * 1024
const topLevel = new Set(['oci-layout', 'index.json', 'manifest.json'])

interface OciIndex {
  readonly manifests?: readonly { readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }[]
}
type DockerManifest = readonly { readonly Config: string; readonly RepoTags?: readonly string[] | null }[]

/** Says what an archive holds, from its table of contents alone. Throws an ImageError if it is no image archive. */
export const inspectArchive = async (tarPath: string): Promise<ArchiveFacts> => {
  const documents = await readTopLevel(tarPath)
  const parse = <T>(name: string): T | undefined => {
    const text = documents.get(name)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text) as T
    } catch {
      throw new ImageError(`${tarPath}: ${name} is not JSON`)
    }
  }
  const index = parse<OciIndex>('index.json')
  if (documents.has('oci-layout') && index) return { format: 'oci', images: (index.manifests ?? []).map(fromOci) }
  const manifest = parse<DockerManifest>('manifest.json')
  if (manifest) return { format: 'docker', images: manifest.map(fromDocker) }
  throw new ImageError(`${tarPath} is neither an OCI nor a docker image archive`)
}

const fromOci = ({ digest, annotations = {} }: NonNullable<OciIndex['manifests']>[number]): ArchivedImage => {
  const name = annotations['io.containerd.image.name'] ?? annotations['org.opencontainers.image.ref.name']
  // A reference of only a tag (`latest`) does not name an image.
  const full = name?.includes('/') || name?.includes(':') ? name : undefined
  if (full === undefined) return { digest, names: [] }
  const normal = normaliseImageName(full)
  return { digest, names: [normal], ...(normal === full ? {} : { shortName: full }) }
}

const fromDocker = ({ Config, RepoTags }: DockerManifest[number]): ArchivedImage => ({
  // Named by its hash: `<hash>.json` once, `blobs/sha256/<hash>` today.
  id: `sha256:${Config.replace(/^.*\//, '').replace(/\.json$/, '')}`,
  names: (RepoTags ?? []).map(normaliseImageName),
})

const readTopLevel = async (tarPath: string): Promise<Map<string, string>> => {
  const documents = new Map<string, string>()
  const tar = extract()
  tar.on('entry', (header, stream, next) => {
    const name = header.name.replace(/^\.\//, '')
    const chunks: Buffer[] = []
    const wanted = topLevel.has(name) && (header.size ?? 0) <= maxDocumentBytes
    stream.on('data', (chunk) => {
      if (wanted) chunks.push(chunk as Buffer)
    })
    stream.on('end', () => {
      if (wanted) documents.set(name, Buffer.concat(chunks).toString('utf8'))
      next()
    })
  })
  try {
    const gzipped = await isGzip(tarPath)
    const source = createReadStream(tarPath)
    await (gzipped ? pipeline(source, createGunzip(), tar) : pipeline(source, tar))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new ImageError(`${tarPath} does not exist`)
    throw new ImageError(`${tarPath} is not a tar archive: ${(error as Error).message}`)
  }
  return documents
}

const isGzip = async (path: string): Promise<boolean> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await file.close()
  }
}
