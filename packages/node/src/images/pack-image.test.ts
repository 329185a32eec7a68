import { chmod, link, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { extract, pack } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inspectArchive } from './archive.ts'
import { packImage } from './pack-image.ts'

let work = ''
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'skiff-pack-'))
})
afterEach(() => rm(work, { recursive: true, force: true }))

interface Entry {
  readonly type: string | null | undefined
  readonly mode: number | undefined
  readonly linkname: string | null | undefined
  readonly mtimeMs: number | undefined
  readonly bytes: Buffer
}

const entriesOf = (tar: Buffer): Promise<Map<string, Entry>> =>
  new Promise((resolve, reject) => {
    const entries = new Map<string, Entry>()
    const reader = extract()
    reader.on('entry', ({ name, type, mode, linkname, mtime }, stream, next) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk as Buffer))
      stream.on('end', () => {
        entries.set(name, { type, mode, linkname, mtimeMs: mtime?.getTime(), bytes: Buffer.concat(chunks) })
        next()
      })
    })
    reader.on('finish', () => resolve(entries))
    reader.on('error', reject)
    reader.end(tar)
  })

const makeTree = async (root: string): Promise<void> => {
  await mkdir(join(root, 'bin'), { recursive: true })
  await mkdir(join(root, 'empty'))
  await writeFile(join(root, 'bin', 'tool'), 'tool')
  await chmod(join(root, 'bin', 'tool'), 0o755)
  await link(join(root, 'bin', 'tool'), join(root, 'bin', 'zz-same'))
  await symlink('tool', join(root, 'bin', 'alias'))
  await writeFile(join(root, 'zero'), '')
  await writeFile(join(root, 'ünïcode'), 'x'.repeat(5000))
}

test('the same tree gives the same bytes, whatever its times', async () => {
  await makeTree(join(work, 'a'))
  await makeTree(join(work, 'b'))
  await utimes(join(work, 'b', 'bin', 'tool'), 1000, 2000)
  const one = await packImage({ fromDir: join(work, 'a'), name: 'app', out: join(work, 'a.tar') })
  const two = await packImage({ fromDir: join(work, 'b'), name: 'app', out: join(work, 'b.tar') })
  expect(two).toEqual(one)
  expect(await readFile(join(work, 'b.tar'))).toEqual(await readFile(join(work, 'a.tar')))
})

test('the layer holds the tree: modes, links, empty files and directories', async () => {
  await makeTree(join(work, 'tree'))
  await packImage({ fromDir: join(work, 'tree'), name: 'app:1', cmd: ['/bin/tool'], out: join(work, 'app.tar') })
  const archive = await entriesOf(await readFile(join(work, 'app.tar')))
  const manifest = JSON.parse(archive.get('manifest.json')?.bytes.toString() ?? '') as {
    Config: string
    RepoTags: string[]
    Layers: string[]
  }[]
  expect(manifest[0]?.RepoTags).toEqual(['app:1'])
  const layer = await entriesOf(archive.get(manifest[0]?.Layers[0] ?? '')?.bytes ?? Buffer.alloc(0))
  expect([...layer.keys()]).toEqual(['bin/', 'bin/alias', 'bin/tool', 'bin/zz-same', 'empty/', 'zero', 'ünïcode'])
  expect(layer.get('bin/tool')).toMatchObject({ type: 'file', mode: 0o755, mtimeMs: 0, bytes: Buffer.from('tool') })
  expect(layer.get('bin/alias')).toMatchObject({ type: 'symlink', linkname: 'tool' })
  expect(layer.get('bin/zz-same')).toMatchObject({ type: 'link', linkname: 'bin/tool' })
  expect(layer.get('zero')?.bytes.length).toBe(0)
  expect(layer.get('ünïcode')?.bytes.length).toBe(5000)
})

test('the config says how to run it', async () => {
  await mkdir(join(work, 'tree'))
  const packed = await packImage({
    fromDir: join(work, 'tree'),
    name: 'quay.io/me/app',
    entrypoint: ['/run'],
    cmd: ['--fast'],
    env: ['A=1'],
    user: '1000',
    workingDir: '/srv',
    labels: { tier: 'web' },
    architecture: 'arm64',
    out: join(work, 'app.tar'),
  })
  const archive = await entriesOf(await readFile(join(work, 'app.tar')))
  const config = JSON.parse(archive.get(`blobs/${packed.id.replace(':', '/')}`)?.bytes.toString() ?? '') as object
  expect(config).toMatchObject({
    architecture: 'arm64',
    os: 'linux',
    config: {
      Entrypoint: ['/run'],
      Cmd: ['--fast'],
      Env: [expect.stringMatching(/^PATH=/), 'A=1'],
      User: '1000',
      WorkingDir: '/srv',
      Labels: { tier: 'web' },
    },
  })
  expect(await inspectArchive(join(work, 'app.tar'))).toEqual({
    format: 'oci',
    images: [{ digest: packed.digest, names: ['quay.io/me/app:latest'] }],
  })
})

test('what cannot be packed leaves no file behind', async () => {
  await expect(packImage({ fromDir: join(work, 'nothing'), name: 'app', out: join(work, 'app.tar') })).rejects.toThrow('is not a directory')
  await mkdir(join(work, 'tree'))
  await expect(packImage({ fromDir: join(work, 'tree'), name: 'NOT A NAME', out: join(work, 'app.tar') })).rejects.toThrow(
    'invalid image name',
  )
  await expect(readFile(join(work, 'app.tar'))).rejects.toThrow('ENOENT')
  await expect(readFile(join(work, 'app.tar.layer'))).rejects.toThrow('ENOENT')
})

const tarOf = async (files: Readonly<Record<string, string>>): Promise<Buffer> => {
  const tar = pack()
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text)
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

test('docker archives are read, gzipped ones too', async () => {
  const manifest = JSON.stringify([
    { Config: 'abc.json', RepoTags: ['app:1', 'app:2'], Layers: [] },
    { Config: 'blobs/sha256/def', RepoTags: null },
  ])
  const tar = await tarOf({ 'abc.json': '{}', 'manifest.json': manifest })
  const images = [
    { id: 'sha256:abc', names: ['docker.io/library/app:1', 'docker.io/library/app:2'] },
    { id: 'sha256:def', names: [] },
  ]
  await writeFile(join(work, 'plain.tar'), tar)
  await writeFile(join(work, 'small.tar.gz'), gzipSync(tar))
  expect(await inspectArchive(join(work, 'plain.tar'))).toEqual({ format: 'docker', images })
  expect(await inspectArchive(join(work, 'small.tar.gz'))).toEqual({ format: 'docker', images })
})

test('an OCI layout may name its image by a tag only, which is no name', async () => {
  const index = { manifests: [{ digest: 'sha256:1', annotations: { 'org.opencontainers.image.ref.name': 'latest' } }] }
  await writeFile(join(work, 'oci.tar'), await tarOf({ './oci-layout': '{}', './index.json': JSON.stringify(index) }))
  expect(await inspectArchive(join(work, 'oci.tar'))).toEqual({ format: 'oci', images: [{ digest: 'sha256:1', names: [] }] })
})

test('anything else is refused in a sentence', async () => {
  await writeFile(join(work, 'text'), 'not a tar at all '.repeat(100))
  await writeFile(join(work, 'other.tar'), await tarOf({ 'a.txt': 'a' }))
  await writeFile(join(work, 'bad.tar'), await tarOf({ 'manifest.json': '{' }))
  await expect(inspectArchive(join(work, 'text'))).rejects.toThrow('is not a tar archive')
  await expect(inspectArchive(join(work, 'other.tar'))).rejects.toThrow('is neither an OCI nor a docker image archive')
  await expect(inspectArchive(join(work, 'bad.tar'))).rejects.toThrow('manifest.json is not JSON')
  await expect(inspectArchive(join(work, 'absent.tar'))).rejects.toThrow('does not exist')
})
