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
  ['any(.spec.containers[]; .name == "a")', [true]],
  ['all(.status.conditions[]; .status == "True")', [false]],
  ['.status.conditions | map(select(.status == "True").type)', [['Ready']]],
  ['.spec.containers[1:] | length, (.[0].name | .[:1])', [1, 'b']],
  ['.metadata.name as $n | .spec.containers[] | "\\($n)-\\(.name + "!")"', ['p-a!', 'p-b!']],
  ['reduce .spec.containers[].name as $n (""; . + $n)', ['ab']],
  ['{name: .metadata.name, "n": 1, (.status.phase): [1, 2][1]}', [{ name: 'p', n: 1, Running: 2 }]],
  ['.status | {phase}', [{ phase: 'Running' }]],
  ['.metadata.annotations | to_entries[] | .key', ['a.b/c']],
  ['.metadata.annotations | with_entries(.value |= .)', undefined],
  ['.metadata.annotations | with_entries({key: (.key | split("/")[1]), value})', [{ c: '5s' }]],
  ['[.. | numbers]', [[2, 1]]],
  ['try error("no") catch .', ['no']],
  ['.metadata.name.more? // "none"', ['none']],
  [
    '[limit(2; range(9))], [range(1; 6; 2)]',
    [
      [0, 1],
      [1, 3, 5],
    ],
  ],
  ['[3, 1, 2] | sort, max, min, add, (sort_by(-.) | first)', [[1, 2, 3], 3, 1, 6, 3]],
  ['.metadata.ownerReferences | group_by(.kind) | map(length)', [[1, 1]]],
  ['.metadata.annotations["a.b/c"] | rtrimstr("s") | tonumber', [5]],
  ['"Web-1" | test("web"; "i"), sub("[0-9]"; "x"), gsub("e"; "$1")', [true, 'Web-x', 'W$1b-1']],
  ['"a" | @base64, (@base64 "x\\(.)" )', ['YQ==', 'xYQ==']],
  ['.metadata.name | test("(")', undefined],
  ['"{" | fromjson', undefined],
  ['1700000000 | todate | fromdate', [1_700_000_000]],
  [
    '[1, [2, [3]]] | flatten, flatten(1)',
    [
      [1, 2, 3],
      [1, 2, [3]],
    ],
  ],
  ['{"a": {"b": [1, 2]}} | contains({a: {b: [2]}}), getpath(["a", "b", 0])', [true, 1]],
  ['[.status.conditions[] | objects | .type] | index("Initialized")', [1]],
  ['# a remark\n.metadata.name', ['p']],
  ['.spec.containers | any(.name == "a")', [true]],
  ['(.status.phase | not) or true', [true]],
  ['.metadata.name | ascii_upcase | startswith("P")', [true]],
  ['.metadata.name.more', undefined],
])('%s', (source, found) => {
  if (source.includes('|=')) expect(() => compileJq(source)).toThrow('unexpected "="')
  else expect(compileJq(source)(pod)).toEqual(found)
})

describe('what is not understood is told when it is read', () => {
  test.each([
    ['.a |', 'expression ".a |": unexpected end'],
    ['.a ) .b', 'unexpected ")"'],
    ['nothing(.a)', 'there is no function nothing of 1 arguments here'],
    ['.a | $x', 'there is no variable $x here'],
    ['@odd', 'there is no format @odd here'],
    ['any(.a; .b; .c)', 'there is no function any of 3 arguments here'],
    ['"open', 'a text has no end'],
    ['constructor', 'there is no function constructor'],
  ])('%s', (source, sentence) => {
    expect(() => compileJq(source)).toThrow(sentence)
  })
})

test("a key that is a function of every object is not found where it is not the object's own", () => {
  expect(compileJq('.metadata.constructor')(pod)).toEqual([null])
  expect(compileJq('.metadata["__proto__"]')(pod)).toEqual([null])
})
