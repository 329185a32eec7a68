import { describe, expect, test } from 'vitest'
import { compileJq } from './evaluate.ts'

const pod = {
  metadata: { name: 'p', annotations: { 'a.b/c': '5s' }, ownerReferences: [{ kind: 'Job' }, { kind: 'X' }], finalizers: [] },
  spec: { containers: [{ name: 'a' }, { name: 'b' }] },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Initialized', status: 'False' },
    ],
    containerStatuses: [{ restartCount: 2, state: { terminated: { exitCode: 1 } } }],
  },
}

test.each<[string, unknown]>([
  ['.', [pod]],
  ['.metadata.name', ['p']],
  ['.metadata.deletionTimestamp', [null]],
  ['.metadata.annotations["a.b/c"]', ['5s']],
  ['.metadata["name"]', ['p']],
  ['.metadata.ownerReferences.[].kind', ['Job', 'X']],
  ['.metadata.ownerReferences[].kind', ['Job', 'X']],
  ['.metadata.finalizers.[]', []],
  ['.status.conditions.[] | select( .type == "Ready" ) | .status', ['True']],
  ['.status.initContainerStatuses.[].state.running.startedAt', undefined],
  ['.status.initContainerStatuses[]?.state', []],
  ['.spec.containers | length', [2]],
  ['.spec.containers[1].name, .spec.containers[-1].name', ['b', 'b']],
  ['[.spec.containers[].name] | join("+")', ['a+b']],
  ['.status.containerStatuses[0].restartCount >= 2 and .status.phase != "Failed"', [true]],
  ['.status.containerStatuses | map(.restartCount) | add', [2]],
  ['.nothing // "usual"', ['usual']],
  ['.metadata | has("name")', [true]],
  ['if .status.phase == "Running" then 1 elif true then 2 else 3 end', [1]],
  ['1 + 2 * 3 - 4 / 2', [5]],
  ['.metadata.name | test("^p+$")', [true]],
  ['any(.spec.containers[]; .name == "a")', undefined],
  ['.spec.containers | any(.name == "a")', [true]],
  ['(.status.phase | not) or true', [true]],
  ['.metadata.name | ascii_upcase | startswith("P")', [true]],
  ['.metadata.name.more', undefined],
])('%s', (source, found) => {
  if (source.includes(';')) expect(() => compileJq(source)).toThrow('unexpected ";"')
  else expect(compileJq(source)(pod)).toEqual(found)
})

describe('what is not understood is told when it is read', () => {
  test.each([
    ['.a |', 'expression ".a |": unexpected end'],
    ['.a ) .b', 'unexpected ")"'],
    ['nothing(.a)', 'there is no function nothing of 1 arguments here'],
    ['.a | $x', 'unexpected "$"'],
    ['constructor', 'there is no function constructor'],
  ])('%s', (source, sentence) => {
    expect(() => compileJq(source)).toThrow(sentence)
  })
})

test("a key that is a function of every object is not found where it is not the object's own", () => {
  expect(compileJq('.metadata.constructor')(pod)).toEqual([null])
  expect(compileJq('.metadata["__proto__"]')(pod)).toEqual([null])
})
