/**
 * Serves a store under load until it is killed. Waits for one line, `<after>`, on standard input; reports `change` for every change
 * that it finds after that revision, `row` for every row, `ready`, and then `ack` for every write at the moment it is acknowledged.
 * The report is a file, written without delay: a pipe may refuse to take more.
 */
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { systemEnv } from '@skiff/machinery'
import type { Store } from '../../store.ts'
import { openDurableStore } from '../durable.ts'

const WRITERS = 16
const KEYS = 12

const [, , dir = '', reportFile = ''] = process.argv
const say = (...words: readonly (string | number)[]) => writeSync(file, `${words.join(' ')}\n`)

/** The count leads the value and fills it, so that a torn or mixed value is seen. */
const valueFor = (count: number): Uint8Array => Buffer.from(`${count};`.repeat(50 + (count % 300)))

const countIn = (value: Uint8Array | null): number | 'gone' | 'torn' => {
  if (value === null) return 'gone'
  const count = Number.parseInt(Buffer.from(value).toString('latin1'), 10)
  return Buffer.compare(valueFor(count), value) === 0 ? count : 'torn'
}

const report = async (store: Store, after: number) => {
  const stop = await store.watch({
    prefix: '',
    after,
    deliver: (changes) => {
      for (const { key, revision, value } of changes) say('change', revision, key, countIn(value))
    },
    ended: () => undefined,
  })
  stop()
  const { rows } = await store.range({ prefix: '' })
  for (const { key, revision, value } of rows) say('row', revision, key, countIn(value))
}

const write = async (store: Store, writer: number, start: number) => {
  for (let count = start; ; count += 1) {
    const key = `w${writer}/k${count % KEYS}`
    const value = count % 10 === 9 ? null : valueFor(count)
    const result = await store.commit({ key, value, expect: 'any' })
    if (result.ok) say('ack', result.revision, key, countIn(value))
  }
}

let file = 1
const [line] = (await once(process.stdin, 'data')) as [Buffer]
file = openSync(reportFile, 'w')
const store = await openDurableStore({ dir, env: systemEnv() })
await report(store, Number(line.toString()))
say('ready')
writeSync(1, 'ready')
const start = (await store.revision()) + 1
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(store, writer, start)))
