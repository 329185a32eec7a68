import { buildBuiltins, type Kind } from '@skiff/api'
import { seededRandom } from '@skiff/machinery'
import type { Change } from '@skiff/store'
import { expect, test } from 'vitest'
import { applyChanges, createCache } from './cache.ts'
import { keepTree, treeAt } from './past.ts'
import { entriesOf, type Tree } from './tree.ts'

const kind = buildBuiltins().kinds.find((each) => each.kind === 'ConfigMap') as Kind
const value = (name: string, data: number): Buffer =>
  Buffer.from(
    `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}","namespace":"n","uid":"u-${name}"},"data":{"at":"${data}"}}`,
  )
const change = (revision: number, name: string, bytes: Buffer | null): Change => ({
  key: `n/${name}`,
  revision,
  created: revision,
  value: bytes,
  previous: undefined,
})
const same = (key: string) => key
const shown = (tree: Tree) => [...entriesOf(tree)].map(({ key, revision, bytes }) => [key, revision, bytes.toString()])

test.each([1, 2, 3])('every revision that is still held shows what was there then, seed %i', (seed) => {
  const random = seededRandom(seed)
  const cache = createCache(kind, [], 10)
  const history = new Map<number, unknown>([[10, []]])
  const present = new Set<string>()
  let revision = 10
  while (revision < 20_000) {
    const batch: Change[] = []
    for (let count = 1 + Math.floor(random() * 5); count > 0; count--) {
      // Other kinds take revisions too.
      revision += 1 + Math.floor(random() * 3)
      const name = `c-${Math.floor(random() * 40)}`
      const goes = present.has(name) && random() < 0.4
      batch.push(change(revision, name, goes ? null : value(name, revision)))
      if (goes) present.delete(name)
      else present.add(name)
    }
    applyChanges(cache, batch, same)
    if (revision > 10_000 && random() < 0.2) history.set(revision, shown(cache.tree))
  }
  let compared = 0
  for (const [at, objects] of history) {
    const tree = treeAt(cache, at)
    if (at < cache.recentAfter) expect(tree).toBeUndefined()
    else {
      compared++
      expect(shown(tree as Tree)).toEqual(objects)
    }
  }
  expect(compared).toBeGreaterThan(100)
  expect(treeAt(cache, 10)).toBeUndefined()
})

test('a page that was given out keeps its tree after the history has gone', () => {
  const cache = createCache(kind, [], 1)
  applyChanges(cache, [change(2, 'a', value('a', 2))], same)
  keepTree(cache, 2, cache.tree)
  const then = shown(cache.tree)
  for (let revision = 3; revision < 6000; revision++) applyChanges(cache, [change(revision, 'b', value('b', revision))], same)
  expect(cache.recentAfter).toBeGreaterThan(2)
  expect(shown(treeAt(cache, 2) as Tree)).toEqual(then)
  expect(treeAt(cache, 3)).toBeUndefined()
})

test('what a deletion leaves has the revision of the deletion', () => {
  const cache = createCache(kind, [], 1)
  applyChanges(cache, [change(2, 'a', value('a', 2)), change(5, 'a', null)], same)
  const gone = cache.recent.at(-1)?.gone
  expect(gone?.object.metadata.resourceVersion).toBe('5')
  expect(JSON.parse(String(gone?.bytes)).metadata.resourceVersion).toBe('5')
})
