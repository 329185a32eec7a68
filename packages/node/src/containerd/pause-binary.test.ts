import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { goArchitecture } from '../images/pack-image.ts'
import { pauseBinary } from './pause-binary.ts'

const env = systemEnv()
const runnable = process.platform === 'linux' && ['amd64', 'arm64'].includes(goArchitecture())

test('each known architecture has a program, and others are refused by name', () => {
  for (const architecture of ['amd64', 'arm64']) expect(pauseBinary(architecture).subarray(1, 4).toString()).toBe('ELF')
  expect(() => pauseBinary('s390x')).toThrow('no pause program for s390x')
})

describe.skipIf(!runnable)('the pause program', () => {
  let directory = ''
  let program = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skiff-pause-'))
    program = join(directory, 'pause')
    await writeFile(program, pauseBinary(goArchitecture()), { mode: 0o755 })
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  test('waits, and ends with 0 on SIGTERM and on SIGINT', async () => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      const child = spawn(program, { stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
      await untilWaiting(child.pid ?? 0)
      child.kill(name)
      expect(await ended).toEqual({ code: 0, signal: null })
    }
  })

  test.skipIf(process.getuid?.() !== 0)('as init it collects orphans and still ends on SIGTERM', async () => {
    // The shell leaves an orphan behind and then becomes the pause program, which is process 1 of the namespace.
    const script = `( (sleep 0.05; :) & ) ; exec ${program}`
    const child = spawn('unshare', ['--pid', '--fork', '--mount-proc', 'sh', '-c', script], { stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    const init = await untilFound(async () => (await childrenOf(child.pid ?? 0))[0])
    await untilWaiting(init)
    await untilFound(async () => ((await childrenOf(init)).length === 0 ? true : undefined))
    process.kill(init, 'SIGTERM')
    expect(await ended).toBe(0)
  })
})

const untilFound = async <T>(find: () => Promise<T | undefined>): Promise<T> => {
  for (;;) {
    const found = await find()
    if (found !== undefined) return found
    await env.sleep(5)
  }
}

const childrenOf = async (pid: number): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number)

/** It sits in rt_sigtimedwait: signals count from here on. */
const untilWaiting = (pid: number) =>
  untilFound(async () => (/^(128|137) /.test(await readFile(`/proc/${pid}/syscall`, 'utf8')) ? true : undefined))
