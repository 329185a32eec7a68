import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLogOnDisk } from './log-file.ts'
import { type ReadOptions, readLog } from './read-log.ts'

const env = systemEnv()
let directory: string
let path: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skiff-logs-'))
  path = join(directory, '0.log')
})
afterEach(() => rm(directory, { recursive: true }))

const at = (second: number) => `2025-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z`
const line = (second: number, text: string, stream = 'stdout', tag = 'F') => `${at(second)} ${stream} ${tag} ${text}\n`

const plain: ReadOptions = { follow: false, sinceMs: 0, tailLines: undefined, limitBytes: undefined, timestamps: false, stream: undefined }
const start = (options: Partial<ReadOptions>, isRunning = async () => false, stop = new AbortController()) => {
  let text = ''
  const done = (async () => {
    const log = { path, containerId: 'c', open: openLogOnDisk(env), isRunning }
    for await (const chunk of readLog(log, { ...plain, ...options }, stop.signal)) text += chunk.toString()
    return text
  })()
  return { done, stop, soFar: () => text }
}
const read = (options: Partial<ReadOptions> = {}) => start(options).done

describe('reading', () => {
  beforeEach(() =>
    writeFile(path, line(1, 'one') + line(2, 'tw', 'stderr', 'P') + line(2, 'o', 'stderr') + line(3, '') + line(4, 'four 4')),
  )

  test.each([
    [{}, 'one\ntwo\n\nfour 4\n'],
    [{ tailLines: 1 }, 'four 4\n'],
    [{ tailLines: 0 }, ''],
    [{ tailLines: 99 }, 'one\ntwo\n\nfour 4\n'],
    [{ limitBytes: 5 }, 'one\nt'],
    [{ sinceMs: Date.parse(at(3)) }, '\nfour 4\n'],
    [{ stream: 'stderr' as const }, 'two\n'],
    [{ timestamps: true, tailLines: 1 }, `${at(4)} four 4\n`],
    [{ timestamps: true, stream: 'stderr' as const }, `${at(2)} two\n`],
  ])('%o', async (options, text) => {
    expect(await read(options)).toBe(text)
  })
})

test('nothing there yet is nothing to read', async () => {
  expect(await read()).toBe('')
})

test('lines longer than a chunk, and bytes that are no text', async () => {
  const long = 'ü'.repeat(100_000)
  await writeFile(path, line(1, long) + line(2, 'end'))
  expect(await read()).toBe(`${long}\nend\n`)
  expect(await read({ tailLines: 2 })).toBe(`${long}\nend\n`)
})

test('lines that are none of the format are passed over', async () => {
  await writeFile(path, `garbage\n\n${line(1, 'fine')}2025 stdout\n`)
  expect(await read()).toBe('fine\n')
})

describe('following', () => {
  const until = async (holds: () => boolean) => {
    while (!holds()) await env.sleep(5)
  }

  test('goes on until the container has ended, and misses nothing at its end', async () => {
    let running = true
    await writeFile(path, line(1, 'one'))
    const following = start({ follow: true }, async () => running)
    await until(() => following.soFar() === 'one\n')
    await appendFile(path, line(2, 'two'))
    await until(() => following.soFar() === 'one\ntwo\n')
    await appendFile(path, line(3, 'last'))
    running = false
    expect(await following.done).toBe('one\ntwo\nlast\n')
  })

  test('goes on in the new file when the log is rotated', async () => {
    let running = true
    await writeFile(path, line(1, 'one'))
    const following = start({ follow: true }, async () => running)
    await until(() => following.soFar() === 'one\n')
    await rename(path, `${path}.20250101-000000`)
    await writeFile(path, line(2, 'two'))
    await until(() => following.soFar() === 'one\ntwo\n')
    running = false
    expect(await following.done).toBe('one\ntwo\n')
  })

  test('ends when nobody reads any more', async () => {
    await writeFile(path, line(1, 'one'))
    const following = start({ follow: true }, async () => true)
    await until(() => following.soFar() === 'one\n')
    following.stop.abort()
    expect(await following.done).toBe('one\n')
  })
})
