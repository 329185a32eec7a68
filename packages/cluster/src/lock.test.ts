import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { holding } from './lock.ts'
import { markOf } from './process-mark.ts'

let dir: string
let path: string
const children: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skiff-lock-'))
  path = join(dir, 'one.lock')
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(dir, { recursive: true })
})

const refuse = async (holder: number): Promise<void> => {
  throw new Error(`held by ${holder}`)
}
const sleeper = async (): Promise<ChildProcess> => {
  const child = spawn('sleep', ['60'])
  children.push(child)
  await once(child, 'spawn')
  return child
}

test('a second one is told who holds it; afterwards it is free and nothing is left', async () => {
  await holding(path, () => expect(holding(path, async () => 'in', refuse)).rejects.toThrow(`held by ${process.pid}`), refuse)
  expect(await holding(path, async () => 'in', refuse)).toBe('in')
  await expect(holding(path, () => Promise.reject(new Error('inside')), refuse)).rejects.toThrow('inside')
  expect(readdirSync(dir)).toEqual([])
})

test('of many that wait each one is alone', async () => {
  let inside = 0
  let most = 0
  const wait = () => new Promise<void>((next) => setImmediate(next))
  const work = async (): Promise<void> => {
    inside += 1
    most = Math.max(most, inside)
    await wait()
    inside -= 1
  }
  await Promise.all(Array.from({ length: 20 }, () => holding(path, work, wait)))
  expect([most, inside, existsSync(path)]).toEqual([1, 0, false])
})

test('the lock of a process that runs holds; that of one that was killed, or of a later one with its id, does not', async () => {
  const child = await sleeper()
  const mark = markOf(child.pid as number)
  writeFileSync(path, JSON.stringify(mark))
  await expect(holding(path, async () => 'in', refuse)).rejects.toThrow(`held by ${child.pid}`)
  writeFileSync(path, JSON.stringify({ ...mark, startTicks: '1' }))
  expect(await holding(path, async () => 'in', refuse)).toBe('in')
  writeFileSync(path, JSON.stringify(mark))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await holding(path, async () => 'in', refuse)).toBe('in')
  writeFileSync(path, '')
  expect(await holding(path, async () => 'in', refuse)).toBe('in')
  expect(readdirSync(dir)).toEqual([])
})
