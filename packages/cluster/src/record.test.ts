import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Place, placeAt } from './place.ts'
import { markOf } from './process-mark.ts'
import { type ClusterRecord, changeRecord, chosenCluster, readRecord, writeRecord } from './record.ts'

let place: Place
beforeEach(() => {
  place = placeAt('test', mkdtempSync(join(tmpdir(), 'skiff-record-')))
})
afterEach(() => rmSync(place.dir, { recursive: true }))

const record: ClusterRecord = {
  format: 1,
  name: 'test',
  runtime: 'simulated',
  controlPlaneOnly: false,
  apiPort: 6443,
  nodes: [],
  ranges: { pods: '10.244.0.0/16', services: '10.96.0.0/16', links: '10.200.0.0/24' },
  controllers: ['*'],
}

test('what is written is read, changes are made to what is there now, and no part of a file stays', () => {
  expect(readRecord(place)).toBeUndefined()
  writeRecord(place, record)
  changeRecord(place, (held) => ({ ...held, apiPort: 1 }))
  changeRecord(place, (held) => ({ ...held, ready: true }))
  expect(readRecord(place)).toEqual({ ...record, apiPort: 1, ready: true })
  expect(readdirSync(place.dir)).toEqual(['cluster.json'])
})

test.each([
  ['{"format": 1, ', /cannot be read \(.*JSON.*\); move .* away, or remove it to begin anew/],
  ['', /cannot be read/],
  ['null', /cannot be read \(it holds no object\)/],
  ['{"format": 1}', /cannot be read \(parts of it are missing\)/],
  ['{"format": 2}', /written by another version of Skiff \(format 2\)/],
])('%s is refused with what to do', (text, sentence) => {
  writeFileSync(place.record, text)
  expect(() => readRecord(place)).toThrow(sentence)
})

test('a cluster that SKIFF_CLUSTER names must be there', () => {
  expect(() => chosenCluster({ SKIFF_CLUSTER: 'no-such-cluster' })).toThrow('there is no cluster "no-such-cluster" on this machine')
})

test('a process is told apart from a later one with its id', () => {
  const own = markOf(process.pid)
  expect(own?.pid).toBe(process.pid)
  expect(markOf(2 ** 30)).toBeUndefined()
})
