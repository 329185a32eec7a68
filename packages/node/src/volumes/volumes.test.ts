import { execFileSync } from 'node:child_process'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@skiff/machinery'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mountsUnder } from '../containerd/mounts.ts'
import { writeAtomically } from './atomic-writer.ts'
import { hostPath } from './host-path.ts'
import { giveToGroup } from './ownership.ts'
import type { Payload } from './payload.ts'
import { prepareSubPath } from './sub-path.ts'

const isRoot = process.getuid?.() === 0
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'skiff-volumes-'))
})
afterEach(async () => {
  for (const mount of await mountsUnder([root])) execFileSync('umount', [mount])
  await rm(root, { recursive: true, force: true })
})

const payload = (files: Record<string, string>, mode = 0o644): Payload =>
  new Map(Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode }]))
const write = (files: Record<string, string>, mode?: number) => writeAtomically(root, payload(files, mode), 1_700_000_000_000)
/** What a reader of the volume sees. */
const shown = async (): Promise<Record<string, string>> => {
  const found: Record<string, string> = {}
  const walk = async (directory: string, prefix: string) => {
    for (const name of await readdir(directory)) {
      if (prefix === '' && name.startsWith('..')) continue
      const path = join(directory, name)
      if ((await stat(path)).isDirectory()) await walk(path, `${prefix}${name}/`)
      else found[prefix + name] = await readFile(path, 'utf8')
    }
  }
  await walk(root, '')
  return found
}

describe('atomic writes', () => {
  test('files lie behind ..data, and a change replaces all at once', async () => {
    expect(await write({ a: '1', 'd/b': '2' })).toBe(true)
    expect(await shown()).toEqual({ a: '1', 'd/b': '2' })
    expect(await readlink(join(root, 'a'))).toBe('..data/a')
    const first = await readlink(join(root, '..data'))
    expect(first).toMatch(/^\.\.2023_11_14_22_13_20\.\d+$/)
    expect(await write({ a: '1', 'd/b': '2' }), 'nothing to do').toBe(false)
    expect(await readlink(join(root, '..data'))).toBe(first)
    await write({ 'd/c': '3', e: '' })
    expect(await shown()).toEqual({ 'd/c': '3', e: '' })
    expect((await readdir(root)).length, 'what was is gone').toBe(4)
  })

  test('modes are exact whatever the umask', async () => {
    const before = process.umask(0o077)
    try {
      await write({ a: '1' }, 0o666)
      expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o666)
    } finally {
      process.umask(before)
    }
  })

  test.each(['../x', '/x', '', '..x', 'a/../b'])('%j is no path of a file', async (path) => {
    await expect(write({ [path]: '' })).rejects.toThrow()
  })

  test('any sequence of contents ends as the last one says', async () => {
    const random = seededRandom(7)
    for (let round = 0; round < 60; round += 1) {
      const files: Record<string, string> = {}
      for (const name of ['a', 'b', 'c/x', 'c/y', 'd/e/f', '__proto__']) if (random() < 0.5) files[name] = String(Math.floor(random() * 3))
      await write(files)
      expect(await shown()).toEqual(files)
    }
  })

  test('a reader never sees half of a change', async () => {
    const versions = ['1', '2', '3', '4', '5', '6']
    await write({ a: '0', b: '0' })
    let done = false
    const reader = (async () => {
      while (!done) {
        const data = await readlink(join(root, '..data'))
        const [a, b] = await Promise.all(['a', 'b'].map((name) => readFile(join(root, data, name), 'utf8').catch(() => undefined)))
        // The directory may go while it is read, but never be half of it.
        if (a !== undefined && b !== undefined) expect(a).toBe(b)
      }
    })()
    for (const version of versions) await write({ a: version, b: version })
    done = true
    await reader
  })
})

describe.skipIf(!isRoot)('ownership', () => {
  test('group, rights and inheritance', async () => {
    await mkdir(join(root, 'd'), { mode: 0o700 })
    await writeFile(join(root, 'd', 'f'), '', { mode: 0o600 })
    await symlink('/etc/passwd', join(root, 'd', 'link'))
    await giveToGroup(root, 4321)
    const modeOf = async (path: string) => {
      const info = await lstat(join(root, path))
      return [info.gid, (info.mode & 0o7777).toString(8)]
    }
    expect(await modeOf('d')).toEqual([4321, '2770'])
    expect(await modeOf('d/f')).toEqual([4321, '660'])
    expect((await stat('/etc/passwd')).gid, 'never through a link').not.toBe(4321)
  })
})

describe('hostPath types', () => {
  test('are checked, and made where the type says so', async () => {
    const at = (name: string, type: string) => hostPath({ path: join(root, name), type: type as never })
    expect(await at('new/deep', 'DirectoryOrCreate')).toBe(join(root, 'new/deep'))
    await at('new/file', 'FileOrCreate')
    expect((await stat(join(root, 'new/file'))).isFile()).toBe(true)
    await expect(at('new/file', 'Directory')).rejects.toThrow(`hostPath type check failed: ${root}/new/file is not a directory`)
    await expect(at('new', 'File')).rejects.toThrow('is not a file')
    await expect(at('none', 'Directory')).rejects.toThrow('is not a directory')
    await expect(at('none/file', 'FileOrCreate')).rejects.toThrow('is not a file')
    await expect(at('new/file', 'Socket')).rejects.toThrow('is not a socket file')
    expect(await hostPath({ path: '/dev/null', type: 'CharDevice' })).toBe('/dev/null')
    await expect(hostPath({ path: '/dev/null', type: 'BlockDevice' })).rejects.toThrow('is not a block device')
    const server = createServer().listen(join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    expect(await at('socket', 'Socket')).toBe(join(root, 'socket'))
    server.close()
    expect(await at('whatever', '')).toBe(join(root, 'whatever'))
  })
})

describe.skipIf(!isRoot)('parts of volumes', () => {
  const prepare = (volume: string, subPath: string, index = 0) =>
    prepareSubPath(join(root, 'pod'))({
      volume: { hostPath: join(root, volume), readOnly: false },
      ...{ volumeName: 'v', containerName: 'c', index, subPath },
    })

  test('directories are made, files are bound, and the same place is taken again', async () => {
    await mkdir(join(root, 'v'))
    const place = await prepare('v', 'a/b')
    await writeFile(join(place, 'f'), 'x')
    expect(await readFile(join(root, 'v/a/b/f'), 'utf8')).toBe('x')
    const file = await prepare('v', 'a/b/f', 1)
    expect(await readFile(file, 'utf8')).toBe('x')
    expect(await prepare('v', 'a/b')).toBe(place)
    expect((await mountsUnder([place])).length).toBe(1)
  })

  test('links within the volume are followed, those out of it never', async () => {
    await mkdir(join(root, 'v/in'), { recursive: true })
    await symlink('in', join(root, 'v/good'))
    await symlink('/etc', join(root, 'v/bad'))
    await symlink('../..', join(root, 'v/in/up'))
    expect(await prepare('v', 'good')).toContain('volume-subpaths')
    const refused = 'for volumeMount "v" of container "c"'
    await expect(prepare('v', 'bad')).rejects.toThrow(refused)
    await expect(prepare('v', 'bad/passwd')).rejects.toThrow(refused)
    await expect(prepare('v', 'in/up')).rejects.toThrow(refused)
    await expect(prepare('v', 'in/up/new')).rejects.toThrow(refused)
    expect(await readdir(root)).not.toContain('new')
  })
})
