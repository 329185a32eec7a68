import { seededRandom } from '@skiff/machinery'
import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { countOf, emptyTree, entriesOf, find, insert, remove, runs, type Tree, treeOf } from './tree.ts'

const entry = (key: string, revision = 1): Entry => ({ key, revision, object: {} as never, bytes: Buffer.alloc(0) })
const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

/** What a plain Map says of the same question. */
const expected = (model: ReadonlyMap<string, Entry>, prefix = '', after = '') =>
  [...model.values()].filter(({ key }) => key.startsWith(prefix) && key > after).sort(byKey)

const check = (tree: Tree, model: ReadonlyMap<string, Entry>, prefix: string, after: string) => {
  expect([...entriesOf(tree, prefix, after)]).toEqual(expected(model, prefix, after))
  expect(countOf(tree, prefix, after)).toBe(expected(model, prefix, after).length)
}

test.each([1, 2, 3, 4])('a tree answers as a sorted map does, seed %i', (seed) => {
  const random = seededRandom(seed)
  const namespaces = ['a', 'a-b', 'a.b', 'b', 'default', 'default-2', 'z']
  const drawKey = () => `${namespaces[Math.floor(random() * namespaces.length)]}/p-${Math.floor(random() * 900)}`
  const model = new Map<string, Entry>()
  let tree = emptyTree
  const past: { tree: Tree; model: Map<string, Entry> }[] = []
  for (let step = 0; step < 6000; step++) {
    const key = drawKey()
    // Phases of growth and of decay, so that leaves split and vanish.
    const grows = random() < (Math.floor(step / 1500) % 2 === 0 ? 0.8 : 0.25)
    if (grows) {
      const made = entry(key, step)
      tree = insert(tree, made)
      model.set(key, made)
    } else {
      tree = remove(tree, key)
      model.delete(key)
    }
    expect(tree.size).toBe(model.size)
    if (step % 97 === 0) {
      const probe = drawKey()
      expect(find(tree, probe)).toBe(model.get(probe))
      const prefix = random() < 0.3 ? '' : `${namespaces[Math.floor(random() * namespaces.length)]}/`
      check(tree, model, prefix, random() < 0.5 ? '' : drawKey())
    }
    if (step % 1000 === 0) past.push({ tree, model: new Map(model) })
  }
  // Writers never touch a tree that somebody holds.
  for (const each of past) check(each.tree, each.model, '', '')
})

test('names in ascending order fill their leaves', () => {
  let tree = emptyTree
  for (let at = 0; at < 10_000; at++) tree = insert(tree, entry(`n/${String(at).padStart(6, '0')}`))
  expect(tree.leaves.length).toBeLessThan(10_000 / 128)
})

test('equal to the tree that is made of sorted entries at once', () => {
  const entries = Array.from({ length: 1000 }, (_, at) => entry(`n/${String(at).padStart(4, '0')}`))
  const grown = entries.toReversed().reduce(insert, emptyTree)
  expect([...entriesOf(grown)]).toEqual([...entriesOf(treeOf(entries))])
})

test('a run of a whole leaf is the leaf itself, so that its joined bytes serve', () => {
  const tree = treeOf(Array.from({ length: 300 }, (_, at) => entry(`n/${String(at).padStart(4, '0')}`)))
  const whole = [...runs(tree, 'n/', '')]
  expect(whole.map((run) => [run.from, run.to])).toEqual([
    [0, 128],
    [0, 128],
    [0, 44],
  ])
  expect(whole.map((run) => run.leaf)).toEqual(tree.leaves)
  expect([...runs(tree, 'm/', '')]).toEqual([])
  expect([...runs(tree, 'o/', '')]).toEqual([])
})
