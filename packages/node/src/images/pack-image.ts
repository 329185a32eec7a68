import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import { ImageError } from './image-error.ts'
import { familiarImageName, formatImageName, parseImageName } from './image-name.ts'
import { addContent, type Blob, writeLayer } from './layer.ts'

export interface PackOptions {
  /** Becomes the image's root directory. */
  readonly fromDir: string
  readonly name: string
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  /** `KEY=value` each. */
  readonly env?: readonly string[]
  /** `uid`, `uid:gid` or a name from the image's own /etc/passwd. */
  readonly user?: string
  readonly workingDir?: string
  readonly labels?: Readonly<Record<string, string>>
  /** As Go names it; default: this machine's. */
  readonly architecture?: string
  /** The tar to write. */
  readonly out: string
}

export interface PackedImage {
  readonly name: string
  /** Digest of the image's config: its id at the runtime. */
  readonly id: string
  /** Digest of its manifest. */
  readonly digest: string
  readonly sizeBytes: number
}

const epoch = '1970-01-01T00:00:00Z'
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** This machine's architecture in Go's words. */
export const goArchitecture = (arch: string = process.arch): string => ({ x64: 'amd64', ia32: '386' })[arch] ?? arch

const json = (value: unknown): { readonly blob: Blob; readonly bytes: Buffer } => {
  const bytes = Buffer.from(JSON.stringify(value))
  return { bytes, blob: { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, sizeBytes: bytes.length } }
}
const blobPath = ({ digest }: Blob): string => `blobs/${digest.replace(':', '/')}`

const imageConfig = (options: PackOptions, layer: Blob): object => ({
  architecture: options.architecture ?? goArchitecture(),
  os: 'linux',
  created: epoch,
  config: {
    Env: [...(options.env?.some((entry) => entry.startsWith('PATH=')) ? [] : [defaultPath]), ...(options.env ?? [])],
    ...(options.user ? { User: options.user } : {}),
    ...(options.entrypoint ? { Entrypoint: options.entrypoint } : {}),
    ...(options.cmd ? { Cmd: options.cmd } : {}),
    ...(options.workingDir ? { WorkingDir: options.workingDir } : {}),
    ...(options.labels ? { Labels: options.labels } : {}),
  },
  rootfs: { type: 'layers', diff_ids: [layer.digest] },
  history: [{ created: epoch, created_by: 'skiff image pack' }],
})

const descriptor = (mediaType: string, { digest, sizeBytes }: Blob) => ({ mediaType, digest, size: sizeBytes })

/**
 * Packs a directory as an image of one layer: an OCI layout in a tar, readable by containerd, CRI-O, podman and docker.
 * The same directory and options give the same bytes.
 */
export const packImage = async (options: PackOptions): Promise<PackedImage> => {
  const name = parseImageName(options.name)
  if (!(await stat(options.fromDir).catch(() => undefined))?.isDirectory()) throw new ImageError(`${options.fromDir} is not a directory`)
  const layerFile = `${options.out}.layer`
  const partFile = `${options.out}.part`
  try {
    const layer = await writeLayer(options.fromDir, layerFile)
    const config = json(imageConfig(options, layer))
    const manifest = json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', config.blob),
      layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
    })
    const fullName = formatImageName(name)
    const documents = [
      { path: 'oci-layout', bytes: json({ imageLayoutVersion: '1.0.0' }).bytes },
      { path: 'index.json', bytes: json(indexOf(manifest.blob, fullName, name.tag)).bytes },
      // For `docker load`, which reads the same blobs.
      { path: 'manifest.json', bytes: json(dockerManifest(config.blob, layer, fullName)).bytes },
      { path: blobPath(config.blob), bytes: config.bytes },
      { path: blobPath(manifest.blob), bytes: manifest.bytes },
    ]
    await writeArchive(partFile, documents, { path: blobPath(layer), file: layerFile, sizeBytes: layer.sizeBytes })
    await rename(partFile, options.out)
    return { name: fullName, id: config.blob.digest, digest: manifest.blob.digest, sizeBytes: layer.sizeBytes }
  } finally {
    await Promise.all([layerFile, partFile].map((file) => rm(file, { force: true })))
  }
}

const indexOf = (manifest: Blob, fullName: string, tag: string | undefined): object => ({
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    {
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
      annotations: { 'io.containerd.image.name': fullName, ...(tag ? { 'org.opencontainers.image.ref.name': tag } : {}) },
    },
  ],
})

const dockerManifest = (config: Blob, layer: Blob, fullName: string): object => [
  { Config: blobPath(config), RepoTags: [familiarImageName(fullName)], Layers: [blobPath(layer)] },
]

const writeArchive = async (
  out: string,
  documents: readonly { readonly path: string; readonly bytes: Buffer }[],
  layer: { readonly path: string; readonly file: string; readonly sizeBytes: number },
): Promise<void> => {
  const tar = pack()
  const header = (name: string, size: number) => ({ name, size, mode: 0o644, mtime: new Date(0), uid: 0, gid: 0 })
  const written = pipeline(tar, createWriteStream(out))
  const filled = (async () => {
    for (const { path, bytes } of documents) tar.entry(header(path, bytes.length), bytes)
    await addContent(tar, header(layer.path, layer.sizeBytes), layer.file)
    tar.finalize()
  })().catch((error: Error) => tar.destroy(error))
  await Promise.all([written, filled])
}
