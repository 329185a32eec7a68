import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../containerd/run-command.ts'
import { startTestContainerd, type TestContainerd, whyNoContainerd } from '../containerd/test-containerd.ts'
import { importImage } from './import-image.ts'
import { packImage } from './pack-image.ts'

const why = await whyNoContainerd()

describe.skipIf(why !== undefined)(`import into a real containerd${why ? ` (skipped: ${why})` : ''}`, () => {
  let node: TestContainerd
  let packed = ''
  let id = ''
  const load = (tar: string, name?: string) =>
    importImage(node.env, node.containerd.images, node.containerd.runtime, tar, name === undefined ? {} : { name })
  beforeAll(async () => {
    node = await startTestContainerd('i')
    packed = join(node.directory, 'packed.tar')
    id = (await packImage({ fromDir: join(node.directory, 'busybox'), name: 'team/app:1', cmd: ['true'], out: packed })).id
  })
  afterAll(() => node?.cleanUp())

  /** The packed archive with some of its top-level files replaced or taken away. */
  const changed = async (name: string, change: (directory: string) => Promise<void>): Promise<string> => {
    const directory = join(node.directory, name)
    await mkdir(directory)
    await runCommand('tar', ['-xf', packed, '-C', directory])
    await change(directory)
    await runCommand('tar', ['-cf', `${directory}.tar`, '-C', directory, '.'])
    return `${directory}.tar`
  }
  const oneManifest = async (directory: string, annotations: object): Promise<void> => {
    const index = JSON.parse(await runCommand('cat', [join(directory, 'index.json')])) as { manifests: object[] }
    await writeFile(
      join(directory, 'index.json'),
      JSON.stringify({ ...index, manifests: index.manifests.map((each) => ({ ...each, annotations })) }),
    )
  }

  test('what Skiff packs is there under its full name, any number of times', async () => {
    for (let round = 0; round < 2; round++) {
      expect(await load(packed)).toEqual(['docker.io/team/app:1'])
      expect(await node.containerd.runtime.imageStatus('team/app:1')).toMatchObject({ id, tags: ['docker.io/team/app:1'] })
    }
  })

  test('a docker archive is there under each of its tags', async () => {
    const tar = await changed('docker', async (directory) => {
      const [manifest] = JSON.parse(await runCommand('cat', [join(directory, 'manifest.json')])) as object[]
      await writeFile(join(directory, 'manifest.json'), JSON.stringify([{ ...manifest, RepoTags: ['saved:1', 'quay.io/x/saved:2'] }]))
      for (const name of ['oci-layout', 'index.json']) await rename(join(directory, name), join(node.directory, `moved-${name}`))
    })
    expect(await load(tar)).toEqual(['docker.io/library/saved:1', 'quay.io/x/saved:2'])
    expect((await node.containerd.runtime.imageStatus('saved:1'))?.id).toBe(id)
  })

  test('an OCI archive with a short name gets the full one', async () => {
    const tar = await changed('short', (directory) => oneManifest(directory, { 'org.opencontainers.image.ref.name': 'short:3' }))
    expect(await load(tar)).toEqual(['docker.io/library/short:3'])
    expect((await node.containerd.runtime.imageStatus('short:3'))?.id).toBe(id)
  })

  test.each([
    ['untagged', {}],
    ['tagged', { 'org.opencontainers.image.ref.name': 'latest' }],
  ])('an OCI archive without a name (%s) asks for one, and leaves no other behind', async (label, annotations) => {
    const tar = await changed(label, (directory) => oneManifest(directory, annotations))
    await expect(load(tar)).rejects.toThrow('a name must be given')
    expect(await load(tar, `given/${label}`)).toEqual([`docker.io/given/${label}:latest`])
    expect((await node.containerd.runtime.imageStatus(`given/${label}`))?.id).toBe(id)
    const tags = (await node.containerd.runtime.listImages()).flatMap((image) => image.tags)
    expect(tags.filter((tag) => tag.includes('import'))).toEqual([])
  })

  test('a broken archive is refused', async () => {
    const digest = `sha256:${'0'.repeat(64)}`
    const tar = await changed('broken', async (directory) => {
      const manifest = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 2 }
      const annotations = { 'io.containerd.image.name': 'docker.io/team/broken:1' }
      await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }))
    })
    await expect(load(tar)).rejects.toThrow('could not be imported')
  })
})
