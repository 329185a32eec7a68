import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openJournal } from './journal.ts'
import { openJournals } from './journal-files.ts'
import { isPartOf } from './journal-lines.ts'
import { type Place, placeAt } from './place.ts'

let place: Place
beforeEach(() => {
  place = placeAt('test', mkdtempSync(join(tmpdir(), 'skiff-journal-')))
})
afterEach(() => rmSync(place.dir, { recursive: true }))

let clock = Date.UTC(2025, 0, 1)
const now = (): number => (clock += 1000)
const server = (rotateBytes?: number) => openJournal(place.journal, { now, ...(rotateBytes ? { rotateBytes } : {}) })
const node = (name: string) => {
  const path = join(place.dir, 'nodes', name, 'journal.log')
  mkdirSync(dirname(path), { recursive: true })
  return openJournal(path, { now, node: name })
}
const messages = (lines: readonly string[]): string[] => lines.map((line) => line.split(': ')[1] ?? '')

test('a part carries the names above it; a component is found with its parts, in all processes', () => {
  const log = server()
  log.info('whole')
  log.child('controllers').info('outer')
  log.child('controllers').child('deployment-controller').warn('inner', { key: 'a/b', component: 'a fact of this name' })
  const other = node('node-2')
  other.child('node').info('elsewhere')
  other.child('controllers-like').info('other')
  expect(openJournals(place, 'controllers')().map((line) => line.slice(25))).toEqual([
    'INFO  controllers: outer',
    'WARN  controllers/deployment-controller: inner key="a/b" component="a fact of this name"',
  ])
  expect(messages(openJournals(place, 'deployment-controller')())).toHaveLength(1)
  expect(openJournals(place, 'node')().map((line) => line.slice(25))).toEqual(['INFO  node-2 node: elsewhere'])
})

test.each([
  ['controllers', 'controllers', true],
  ['controllers/job-controller', 'controllers', true],
  ['controllers/job-controller', 'job-controller', true],
  ['controllers', 'control', false],
  ['controllers/job-controller', 'controller', false],
])('%s is part of %s: %s', (component, asked, is) => expect(isPartOf(component, asked)).toBe(is))

test('all files are read in the order of time, older ones first; what somebody printed stays behind what came before it', () => {
  const [log, other] = [server(400), node('node-2')]
  for (let index = 0; index < 12; index += 1) (index % 2 ? other : log).info(`line ${index}`)
  writeFileSync(place.journal, 'a stack of calls\n', { flag: 'a' })
  other.info('last')
  expect(existsSync(`${place.journal}.old`)).toBe(true)
  const read = openJournals(place)()
  const kept = messages(read).filter((text) => text.startsWith('line'))
  expect(kept.at(-1)).toBe('line 11')
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => `line ${index + 12 - kept.length}`))
  expect(read.indexOf('a stack of calls')).toBe(read.findIndex((line) => line.endsWith('line 10')) + 1)
  expect(openJournals(place, 'skiff')()).not.toContain('a stack of calls')
})

test('following goes on over a rotation, and finds nodes that come later', () => {
  const log = server(300)
  log.info('before')
  const look = openJournals(place)
  expect(messages(look())).toEqual(['before'])
  expect(look()).toEqual([])
  for (let index = 0; index < 4; index += 1) {
    log.info(`after ${index}`)
    expect(messages(look())).toEqual([`after ${index}`])
  }
  expect(readdirSync(place.dir)).toContain('journal.log.old')
  node('node-3').info('new')
  expect(messages(look())).toEqual(['new'])
})
