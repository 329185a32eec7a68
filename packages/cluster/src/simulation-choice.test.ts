import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { ClusterRecord } from './record.ts'
import { changeSimulation, chooseSimulation } from './simulation-choice.ts'

const dir = mkdtempSync(join(tmpdir(), 'skiff-simulation-choice-'))
afterAll(() => rmSync(dir, { recursive: true }))
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}
const shape = (count: number) =>
  `apiVersion: simulation.skiff.dev/v1alpha1\nkind: NodeShape\nmetadata: { name: big }\nspec: { count: ${count} }\n`
const usage = 'apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterResourceUsage\nmetadata: { name: u }\nspec: { usages: [] }\n'
const shapes = file('shapes.yaml', shape(7))
const noShapes = file('usage.yaml', usage)
const name = 'one'
const held = { name, simulatedNodes: 7, simulation: shape(7), simulationDir: '/elsewhere' } as ClusterRecord

test('a file with shapes says how many nodes there are; another leaves it to the count', () => {
  expect(chooseSimulation({ name })).toEqual({})
  expect(chooseSimulation({ name, simulatedNodes: 5 })).toEqual({ simulatedNodes: 5 })
  expect(chooseSimulation({ name, simulation: shapes })).toEqual({ simulatedNodes: 7, simulation: shape(7), simulationDir: dir })
  expect(chooseSimulation({ name, simulation: noShapes, simulatedNodes: 3 })).toEqual({
    simulatedNodes: 3,
    simulation: usage,
    simulationDir: dir,
  })
})

test.each([
  [{ simulation: shapes, simulatedNodes: 3 }, 'says which nodes there are; leave --simulated-nodes away'],
  [{ simulation: noShapes }, 'has no NodeShape; say how many nodes there are with --simulated-nodes'],
  [{ simulation: join(dir, 'nowhere') }, 'there is no file'],
  [{ simulation: dir }, 'is a directory'],
  [{ simulation: file('bad.yaml', shape(-1)) }, 'bad.yaml: line 4: document 1 (NodeShape big).spec.count must be a whole number'],
  [{ simulation: file('broken.yaml', 'a: [') }, 'broken.yaml: yaml: line 1: did not find'],
  [{ simulation: shapes, nodes: 2 }, 'leave --nodes away'],
])('what does not go together is refused: %#', (options, sentence) => {
  expect(() => chooseSimulation({ name, ...options })).toThrow(sentence)
})

test('a stopped cluster takes another file and more nodes, never fewer', () => {
  expect(changeSimulation(held, { name })).toEqual({ simulatedNodes: 7, simulation: shape(7), simulationDir: '/elsewhere' })
  expect(changeSimulation(held, { name, simulation: file('more.yaml', shape(9)) })).toEqual({
    simulatedNodes: 9,
    simulation: shape(9),
    simulationDir: dir,
  })
  expect(changeSimulation(held, { name, simulation: noShapes })).toEqual({
    simulatedNodes: 7,
    simulation: usage,
    simulationDir: dir,
  })
  expect(() => changeSimulation(held, { name, simulation: file('fewer.yaml', shape(2)) })).toThrow('nodes can only be added')
})
