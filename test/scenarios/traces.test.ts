import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTrace, replayTrace } from '@skiff/simulation'
import { expect, test } from 'vitest'

const dir = join(import.meta.dirname, 'traces')
const traces = readdirSync(dir).filter((file) => file.endsWith('.yaml'))

const replay = async (file: string, seed: number): Promise<{ text: string; failed: number }> => {
  const read = (path: string) => readFileSync(join(dir, path), 'utf8')
  const lines: string[] = []
  const { failed } = await replayTrace({ trace: readTrace(read(file), read), seed, print: (line) => lines.push(line) })
  return { text: `${lines.join('\n')}\n`, failed }
}

test.each(traces)('%s goes as its transcript says, and all that it expects holds', async (file) => {
  const { text, failed } = await replay(file, 1)
  expect(failed).toBe(0)
  // How often a warning is told, and in which words, is for the tests of who tells it.
  await expect(text.replace(/^.*? {4}warning .*\n/gm, '')).toMatchFileSnapshot(join(dir, file.replace(/\.yaml$/, '.txt')))
})

test('equal seeds give equal transcripts, other seeds other ones', async () => {
  const [once, again, other] = [
    await replay('room-for-more.yaml', 7),
    await replay('room-for-more.yaml', 7),
    await replay('room-for-more.yaml', 8),
  ]
  expect(again.text).toBe(once.text)
  expect(other.text).not.toBe(once.text)
})
